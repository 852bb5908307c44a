#include "lanes.h"
#include "elementary.h"
#include "rows.h"
#include "weights.h"
#include "bounds.h"
#include "many.h"
#include "few.h"
#include "two.h"
#include "mass.h"
#include "run.h"
#include "curves.h"
#include "beta.h"
#include "softmax.h"
#include "hashes.h"

static const Kernel KERNEL = {run, kept_rows, count_cells, segments, at_beta, softmax, curves, row_hashes};

#undef LANES
#undef INLINE
#undef APART
#undef EACH_PART
#undef UNROLL
#undef OVER_ROW
#undef SHUFFLE
