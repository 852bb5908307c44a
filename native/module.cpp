// calibeval.core.sums._native: the kernels as functions of Python buffers. The interpreter's lock is released meanwhile.

#ifndef Py_LIMITED_API
#define Py_LIMITED_API 0x030b0000
#endif
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "kernel.h"
#include "sample.h"

PyObject *table(PyObject *, PyObject *);  // in table.cpp

// Of the functions below: a change of their arguments, or of what they mean, raises it here and in native_sources.py.
#define INTERFACE 6
#ifndef SOURCES // a hash of them by setup.py, so that Python uses no outdated kernel
#define SOURCES ""
#endif

static Named available[3];
static int found;

static PyObject *names(PyObject *, PyObject *)
{
    PyObject *list = PyTuple_New(found);
    for (int i = 0; list && i < found; i++) PyTuple_SetItem(list, i, PyUnicode_FromString(available[i].name));
    return list;
}

// Buffers that are released when the function ends.
struct Buffers {
    enum { MOST = 10 };
    Py_buffer all[MOST];
    Buffers() { for (Py_buffer &one : all) one.obj = nullptr; }
    ~Buffers() { for (Py_buffer &one : all) if (one.obj) PyBuffer_Release(&one); }
    int64_t doubles(int which) const { return all[which].obj ? (int64_t)(all[which].len / 8) : 0; }
    template <class T> T *at(int which) const { return all[which].obj && all[which].len ? (T *)all[which].buf : nullptr; }
};

static const Kernel *kernel_at(int which)
{
    if (which >= 0 && which < found) return available[which].kernel;
    PyErr_SetString(PyExc_ValueError, "there is no such kernel");
    return nullptr;
}

static PyObject *wrong_size(const char *what)
{
    PyErr_Format(PyExc_ValueError, "%s has another size than the other arrays require", what);
    return nullptr;
}

static bool labels_within(const Softmax &job)
{
    for (int64_t i = 0; i < job.n; i++)
        if (job.labels[i] < 0 || job.labels[i] >= job.k) return false;
    return true;
}

static PyObject *sums(PyObject *, PyObject *arguments)
{
    Buffers b;
    Job job = {};
    int which, kind, width;
    Py_ssize_t k;
    if (!PyArg_ParseTuple(arguments, "iiiny*y*z*y*dddw*w*w*w*z*", &which, &kind, &width, &k, &b.all[0], &b.all[1], &b.all[2],
                          &b.all[3], &job.on_grid, &job.spare, &job.of_sum, &b.all[4], &b.all[5], &b.all[6], &b.all[7],
                          &b.all[8]))
        return nullptr;
    const Kernel *kernel = kernel_at(which);
    if (!kernel) return nullptr;
    job.kind = (Kind)kind;
    job.scores = b.all[0].buf;
    job.labels = b.at<const int64_t>(1);
    job.weights = b.at<const double>(2);
    job.n = b.doubles(1);
    job.k = k;
    job.edges = b.at<const double>(3);
    job.m = b.doubles(3) - 1;
    job.totals = b.at<double>(4);
    job.classes = b.at<double>(5);
    job.top = b.at<double>(6);
    job.keys = b.at<uint64_t>(7);
    job.rows = b.at<double>(8);
    if (kind < 0 || kind > 2 || (width != 4 && width != 8) || k < 2 || job.m < 1 || job.n < 1)
        return wrong_size("kind, labels or edges");
    if (b.all[0].len / width / k != job.n || b.all[0].len != job.n * k * width) return wrong_size("scores");
    if (job.weights && b.doubles(2) != job.n) return wrong_size("weights");
    if (b.doubles(4) != TOTALS || b.doubles(5) != (job.weights ? 7 : 5) * job.k * job.m) return wrong_size("classes");
    if (b.doubles(6) != 5 * job.m || b.doubles(7) != job.n) return wrong_size("top or keys");
    if (job.rows && (b.doubles(8) != COLUMNS * job.n || b.all[8].readonly)) return wrong_size("rows");
    int flag;
    Py_BEGIN_ALLOW_THREADS
    flag = kernel->run(job, width == 4);
    Py_END_ALLOW_THREADS
    return PyLong_FromLong(flag);
}

static PyObject *kept_rows(PyObject *, PyObject *arguments)
{
    Buffers b;
    KeptRows rows = {};
    int which;
    if (!PyArg_ParseTuple(arguments, "iy*y*y*y*y*z*w*w*", &which, &b.all[0], &b.all[1], &b.all[2], &b.all[3], &b.all[4], &b.all[7],
                          &b.all[5], &b.all[6]))
        return nullptr;
    const Kernel *kernel = kernel_at(which);
    if (!kernel) return nullptr;
    rows.edges = b.at<const double>(0);
    rows.m = b.doubles(0) - 1;
    rows.confidence = b.at<const double>(1);
    rows.n = b.doubles(1);
    rows.correct = b.at<const uint8_t>(2);
    rows.nll = b.at<const double>(3);
    rows.brier = b.at<const double>(4);
    rows.totals = b.at<double>(5);
    rows.top = b.at<double>(6);
    rows.labels = b.at<const int64_t>(7);
    if (rows.labels && b.doubles(7) != rows.n) return wrong_size("labels");
    if (rows.m < 1 || b.all[2].len != rows.n || b.doubles(3) != rows.n || b.doubles(4) != rows.n) return wrong_size("rows");
    if (b.doubles(5) != 4 || b.doubles(6) != 5 * rows.m) return wrong_size("top");
    int flag;
    Py_BEGIN_ALLOW_THREADS
    flag = kernel->kept_rows(rows);
    Py_END_ALLOW_THREADS
    return PyLong_FromLong(flag);
}

static PyObject *histogram(PyObject *, PyObject *arguments)
{
    Buffers b;
    int which, flag;
    if (!PyArg_ParseTuple(arguments, "iy*w*", &which, &b.all[0], &b.all[1])) return nullptr;
    const Kernel *kernel = kernel_at(which);
    if (!kernel) return nullptr;
    if (b.doubles(1) != CELLS) return wrong_size("counts");
    Py_BEGIN_ALLOW_THREADS
    flag = kernel->count_cells(b.at<const uint64_t>(0), b.doubles(0), b.at<int64_t>(1));
    Py_END_ALLOW_THREADS
    return PyLong_FromLong(flag);
}

static PyObject *segment_sums(PyObject *, PyObject *arguments)
{
    Buffers b;
    Segments s = {};
    int which;
    if (!PyArg_ParseTuple(arguments, "iy*y*y*y*w*w*", &which, &b.all[0], &b.all[1], &b.all[2], &b.all[3], &b.all[4], &b.all[5]))
        return nullptr;
    const Kernel *kernel = kernel_at(which);
    if (!kernel) return nullptr;
    s.keys = b.at<const uint64_t>(0);
    s.n = b.doubles(0);
    s.of_cell = b.at<const int32_t>(1);
    s.cuts = b.at<const int64_t>(2);
    s.count = b.doubles(2);
    s.kept = b.at<const uint8_t>(3);
    s.sums = b.at<double>(4);
    s.found = b.at<uint64_t>(5);
    if (b.all[1].len != CELLS * 4 || b.all[3].len != s.count + 1 || b.doubles(4) != 5 * (s.count + 1) || b.doubles(5) != s.n)
        return wrong_size("segments");
    for (int64_t cell = 0; cell < CELLS; cell++)
        if (s.of_cell[cell] > s.count) return wrong_size("segments of cells");
    int64_t kept;
    Py_BEGIN_ALLOW_THREADS
    kept = kernel->segments(s);
    Py_END_ALLOW_THREADS
    return kept < 0 ? PyErr_NoMemory() : PyLong_FromLongLong(kept);
}

static PyObject *at_beta(PyObject *, PyObject *arguments)
{
    Buffers b;
    AtBeta job = {};
    int which, width, by_class, before;
    Py_ssize_t k;
    if (!PyArg_ParseTuple(arguments, "iinppy*z*z*dw*", &which, &width, &k, &by_class, &before, &b.all[0], &b.all[1], &b.all[2],
                          &job.beta, &b.all[3]))
        return nullptr;
    const Kernel *kernel = kernel_at(which);
    if (!kernel) return nullptr;
    job.scores = b.all[0].buf;
    job.by_class = by_class;
    job.before = before;
    job.labels = b.at<const int64_t>(1);
    job.of_label = b.at<const double>(2);
    job.n = b.doubles(job.labels ? 1 : 2);
    job.k = k;
    job.rows = b.at<double>(3);
    if ((width != 4 && width != 8) || k < 2 || job.n < 1 || !(job.beta > 0.0)) return wrong_size("width, labels or beta");
    if (b.all[0].len / width / k != job.n || b.all[0].len != job.n * k * width) return wrong_size("scores");
    if (b.all[job.labels ? 1 : 2].len != job.n * 8 || b.all[3].len != AT_BETA_COLUMNS * job.n * 8) return wrong_size("rows");
    int flag;
    Py_BEGIN_ALLOW_THREADS
    flag = kernel->at_beta(job, width == 4);
    Py_END_ALLOW_THREADS
    return PyLong_FromLong(flag);
}

static PyObject *softmax(PyObject *, PyObject *arguments)
{
    Buffers b;
    Softmax job = {};
    int which, by_class;
    Py_ssize_t k;
    if (!PyArg_ParseTuple(arguments, "inpy*y*z*z*w*w*", &which, &k, &by_class, &b.all[0], &b.all[1], &b.all[2], &b.all[3],
                          &b.all[4], &b.all[5]))
        return nullptr;
    const Kernel *kernel = kernel_at(which);
    if (!kernel) return nullptr;
    job.scores = b.at<const double>(0);
    job.by_class = by_class;
    job.labels = b.at<const int64_t>(1);
    job.n = b.doubles(1);
    job.k = k;
    job.slopes = b.at<const double>(2);
    job.biases = b.at<const double>(3);
    job.p = b.at<double>(4);
    job.nll = b.at<double>(5);
    if (k < 2 || job.n < 1 || b.doubles(0) / k != job.n || b.doubles(0) != job.n * k) return wrong_size("scores");
    if (!job.slopes != !job.biases || (job.slopes && (b.doubles(2) != k || b.doubles(3) != k))) return wrong_size("slopes");
    if (b.doubles(4) != job.n * k || b.doubles(5) != job.n) return wrong_size("p or nll");
    int flag;
    Py_BEGIN_ALLOW_THREADS
    flag = labels_within(job) ? kernel->softmax(job) : REFUSED;
    Py_END_ALLOW_THREADS
    return PyLong_FromLong(flag);
}

static PyObject *curve_cells(PyObject *, PyObject *arguments)
{
    Buffers b;
    CurveRows rows = {};
    int which;
    Py_ssize_t positive;
    if (!PyArg_ParseTuple(arguments, "iy*z*nw*", &which, &b.all[0], &b.all[1], &positive, &b.all[2])) return nullptr;
    const Kernel *kernel = kernel_at(which);
    if (!kernel) return nullptr;
    rows.keys = b.at<const uint64_t>(0);
    rows.n = b.doubles(0);
    rows.labels = b.at<const int64_t>(1);
    rows.positive = positive;
    rows.cells = b.at<double>(2);
    if (b.all[1].obj && b.doubles(1) != rows.n) return wrong_size("labels");
    if (b.all[2].len != (rows.labels ? 6 : 3) * CURVE_CELLS * 8) return wrong_size("cells");
    int flag;
    Py_BEGIN_ALLOW_THREADS
    flag = kernel->curves(rows);
    Py_END_ALLOW_THREADS
    return PyLong_FromLong(flag);
}

static PyObject *chosen(PyObject *, PyObject *arguments)
{
    Buffers b;
    unsigned first, limit;
    if (!PyArg_ParseTuple(arguments, "IIw*", &first, &limit, &b.all[0])) return nullptr;
    int64_t found;
    Py_BEGIN_ALLOW_THREADS
    found = chosen_rows(first, limit, b.doubles(0), b.at<int64_t>(0));
    Py_END_ALLOW_THREADS
    return PyLong_FromLongLong(found);
}

static PyObject *row_hashes(PyObject *, PyObject *arguments)
{
    Buffers b;
    RowHashes job = {};
    int which;
    if (!PyArg_ParseTuple(arguments, "iy*y*w*", &which, &b.all[0], &b.all[1], &b.all[2])) return nullptr;
    const Kernel *kernel = kernel_at(which);
    if (!kernel) return nullptr;
    job.bits = b.at<const uint32_t>(0);
    job.factors = b.at<const uint64_t>(1);
    job.hashes = b.at<uint64_t>(2);
    job.k = b.doubles(1);
    job.n = b.doubles(2);
    const int64_t floats = (int64_t)(b.all[0].len / 4);
    if (job.k < 1 || job.n < 1 || floats / job.k != job.n || floats != job.n * job.k) return wrong_size("values");
    Py_BEGIN_ALLOW_THREADS
    kernel->row_hashes(job);
    Py_END_ALLOW_THREADS
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"names", names, METH_NOARGS, "The instruction sets that can be used here, best first; functions take their position."},
    {"sums", sums, METH_VARARGS, "The sums of a chunk of rows, see job.h; 0, 1 for bad values, or 2 where another way is needed."},
    {"kept_rows", kept_rows, METH_VARARGS, "Sums of rows whose results were kept: the same bits as of their scores."},
    {"histogram", histogram, METH_VARARGS, "Count keys in the cells of confidences."},
    {"segment_sums", segment_sums, METH_VARARGS, "Sums of keys between cuts; returns how many keys were kept."},
    {"at_beta", at_beta, METH_VARARGS, "What each row is at an inverse temperature, see job.h; flags as of sums."},
    {"table", table, METH_VARARGS, "The numbers of a text table, see table.h; how many cells were left out, or -1 if it is none."},
    {"softmax", softmax, METH_VARARGS, "Probabilities and the NLL of each row, see job.h; flags as of sums."},
    {"curve_cells", curve_cells, METH_VARARGS, "Cells of smooth curves, from keys; flags as of sums."},
    {"chosen", chosen, METH_VARARGS, "The places of the rows of a sample, see sample.h; returns how many there are."},
    {"row_hashes", row_hashes, METH_VARARGS, "Add the sums of bits times factors to the hash of each row, see job.h."},
    {nullptr, nullptr, 0, nullptr},
};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_native", "Compiled sums over rows.", -1, methods, nullptr, nullptr, nullptr, nullptr};

PyMODINIT_FUNC PyInit__native(void)
{
    found = kernels(available);
    PyObject *module = PyModule_Create(&definition);
    if (module && (PyModule_AddIntConstant(module, "INTERFACE", INTERFACE) || PyModule_AddStringConstant(module, "SOURCES", SOURCES))) {
        Py_DECREF(module);
        return nullptr;
    }
    return module;
}
