// The parser of text tables as a function of Python buffers. The interpreter's lock is released meanwhile.

#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030b0000
#endif
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "table.h"

// (text, separator, columns, powers, exponents, values, flags, left) -> cells left, or -1
PyObject *table(PyObject *, PyObject *arguments)
{
    Py_buffer all[6] = {};
    TableText job = {};
    int separator;
    Py_ssize_t columns;
    if (!PyArg_ParseTuple(arguments, "y*iny*y*w*w*w*", &all[0], &separator, &columns, &all[1], &all[2], &all[3], &all[4], &all[5]))
        return nullptr;
    PyObject *found = nullptr;
    job.text = (const char *)all[0].buf;
    job.size = all[0].len;
    job.separator = (char)separator;
    job.columns = columns;
    job.powers = (const uint64_t *)all[1].buf;
    job.exponents = (const int32_t *)all[2].buf;
    job.values = (double *)all[3].buf;
    job.flags = (uint8_t *)all[4].buf;
    job.left = (int64_t *)all[5].buf;
    job.most_left = all[5].len / 24;
    if (columns > 0) job.rows = all[3].len / 8 / columns;
    if (columns < 1 || all[3].len != job.rows * columns * 8 || all[4].len != columns || all[1].len != POWERS * 16 ||
        all[2].len != POWERS * 4) {
        PyErr_SetString(PyExc_ValueError, "an array has another size than the others require");
    } else {
        int64_t left;
        Py_BEGIN_ALLOW_THREADS
        left = parse_table(job);
        Py_END_ALLOW_THREADS
        found = PyLong_FromLongLong(left);
    }
    for (Py_buffer &one : all) PyBuffer_Release(&one);
    return found;
}
