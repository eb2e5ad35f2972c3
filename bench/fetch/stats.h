// Statistics of the benchmark: medians, ranges, and latencies in a histogram.
//
// Nothing here knows of the library, so that it can be tested alone.
#ifndef BENCH_FETCH_STATS_H
#define BENCH_FETCH_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Buckets: exact below 128 ns, from there on 128 to each power of two (at most 0.8 % wide), up to
// 2^40 ns, which is 18 minutes.
enum { HISTOGRAM_BITS = 7, HISTOGRAM_BUCKETS = (41 - HISTOGRAM_BITS) << HISTOGRAM_BITS };

// Durations in nanoseconds. Its size does not depend on how many were recorded, so that a fast
// style does not look as if it took more memory than a slow one. {0} is empty.
struct histogram {
    uint32_t buckets[HISTOGRAM_BUCKETS];
    int64_t max;
};

// Records a duration; threads may record into one histogram at once.
void histogram_record(struct histogram *histogram, int64_t ns);
void histogram_add(struct histogram *sum, const struct histogram *other);
uint64_t histogram_count(const struct histogram *histogram);

// The duration that a share q (0.99) of the samples does not exceed, in microseconds; NAN with
// fewer than 10 / (1 - q) samples, because fewer than ten would lie beyond it.
double histogram_percentile_us(const struct histogram *histogram, double q);
double histogram_max_us(const struct histogram *histogram);

// The median of the rounds with the lowest and the highest.
struct range {
    double median;
    double lowest;
    double highest;
};

struct range range_of(const double *values, size_t count);
// Whether the values that two were made of may come from the same thing.
bool ranges_overlap(struct range a, struct range b);

#endif
