#include "bench/fetch/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// ---- Latencies ------------------------------------------------------------------------------

static size_t bucket_of(int64_t ns)
{
    if (ns < 0) ns = 0;
    if (ns < INT64_C(1) << HISTOGRAM_BITS) return (size_t)ns;
    int top = 63 - __builtin_clzll((unsigned long long)ns);
    int shift = top - HISTOGRAM_BITS;
    size_t row = (size_t)shift + 1;
    size_t bucket = (row << HISTOGRAM_BITS) + (size_t)((ns >> shift) & ((1 << HISTOGRAM_BITS) - 1));
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

// The middle of a bucket, so that the error has no sign.
static double middle_of(size_t bucket)
{
    size_t row = bucket >> HISTOGRAM_BITS;
    double within = (double)(bucket & ((1 << HISTOGRAM_BITS) - 1));
    if (row == 0) return within;
    double width = (double)(INT64_C(1) << (row - 1));
    return ((double)(1 << HISTOGRAM_BITS) + within + 0.5) * width;
}

void histogram_record(struct histogram *histogram, int64_t ns)
{
    __atomic_fetch_add(&histogram->buckets[bucket_of(ns)], 1, __ATOMIC_RELAXED);
    int64_t max = __atomic_load_n(&histogram->max, __ATOMIC_RELAXED);
    while (ns > max && !__atomic_compare_exchange_n(&histogram->max, &max, ns, true,
                                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        continue;
}

void histogram_add(struct histogram *sum, const struct histogram *other)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) sum->buckets[i] += other->buckets[i];
    if (other->max > sum->max) sum->max = other->max;
}

uint64_t histogram_count(const struct histogram *histogram)
{
    uint64_t count = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) count += histogram->buckets[i];
    return count;
}

double histogram_percentile_us(const struct histogram *histogram, double q)
{
    uint64_t count = histogram_count(histogram);
    // A hair of slack: 1 - 0.99 is not 0.01 in binary.
    if ((double)count * (1 - q) < 10 - 1e-6) return NAN;
    // Not ceil(3): that would need libm.
    uint64_t below = (uint64_t)((double)count * q);
    uint64_t rank = (double)below < (double)count * q ? below + 1 : below;
    uint64_t seen = 0;
    size_t i = 0;
    for (; i < HISTOGRAM_BUCKETS - 1; i++) {
        seen += histogram->buckets[i];
        if (seen >= rank) break;
    }
    double ns = middle_of(i);
    return (ns < (double)histogram->max ? ns : (double)histogram->max) / 1e3;
}

double histogram_max_us(const struct histogram *histogram)
{
    return histogram_count(histogram) > 0 ? (double)histogram->max / 1e3 : NAN;
}

// ---- Rounds ---------------------------------------------------------------------------------

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

struct range range_of(const double *values, size_t count)
{
    enum { MOST = 64 };
    double sorted[MOST];
    if (count == 0) return (struct range){NAN, NAN, NAN};
    if (count > MOST) count = MOST;
    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, compare);
    double median = count % 2 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2;
    return (struct range){median, sorted[0], sorted[count - 1]};
}

bool ranges_overlap(struct range a, struct range b)
{
    return a.lowest <= b.highest && b.lowest <= a.highest;
}
