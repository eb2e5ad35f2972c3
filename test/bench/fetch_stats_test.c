// once
// The benchmark's statistics. They belong to no library, so the file itself is included.
#include "bench/fetch/stats.c" // NOLINT(bugprone-suspicious-include)

#include "test/support/test.h"

static struct histogram histogram;

static void fill(int64_t first, int64_t step, int count)
{
    memset(&histogram, 0, sizeof histogram);
    for (int i = 0; i < count; i++) histogram_record(&histogram, first + step * i);
}

static bool is_near(double value, double wanted)
{
    double off = value > wanted ? value - wanted : wanted - value;
    return off <= wanted * 0.008;
}

static void bench_median_is_the_middle_round(void **state)
{
    (void)state;
    struct range range = range_of((double[]){9, 1, 5}, 3);
    assert_true(range.median == 5 && range.lowest == 1 && range.highest == 9);
}

static void bench_median_of_an_even_count_lies_between(void **state)
{
    (void)state;
    struct range range = range_of((double[]){4, 1, 2, 9}, 4);
    assert_true(range.median == 3 && range.lowest == 1 && range.highest == 9);
}

static void bench_median_of_nothing_is_not_known(void **state)
{
    (void)state;
    assert_true(isnan(range_of(NULL, 0).median));
}

static void bench_ranges_overlap_when_they_touch(void **state)
{
    (void)state;
    struct range low = {2, 1, 3};
    struct range touching = {4, 3, 5};
    struct range inside = {2, 1.5, 2.5};
    struct range high = {4, 3.001, 5};
    assert_true(ranges_overlap(low, touching) && ranges_overlap(touching, low));
    assert_true(ranges_overlap(low, inside) && ranges_overlap(inside, low));
    assert_false(ranges_overlap(low, high) || ranges_overlap(high, low));
}

static void bench_percentile_needs_ten_samples_beyond_it(void **state)
{
    (void)state;
    static const struct {
        double q;
        int least;
    } rules[] = {{0.50, 20}, {0.90, 100}, {0.99, 1000}, {0.999, 10000}};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        fill(1000, 10, rules[i].least - 1);
        assert_true(isnan(histogram_percentile_us(&histogram, rules[i].q)));
        fill(1000, 10, rules[i].least);
        assert_false(isnan(histogram_percentile_us(&histogram, rules[i].q)));
    }
}

static void bench_percentile_is_the_sample_at_its_rank(void **state)
{
    (void)state;
    fill(1000, 1000, 1000); // 1 us, 2 us, … 1,000 us
    assert_true(is_near(histogram_percentile_us(&histogram, 0.50), 500));
    assert_true(is_near(histogram_percentile_us(&histogram, 0.90), 900));
    assert_true(is_near(histogram_percentile_us(&histogram, 0.99), 990));
    assert_true(histogram_max_us(&histogram) == 1000);
}

static void bench_histogram_is_exact_to_less_than_one_percent(void **state)
{
    (void)state;
    for (int64_t ns = 1; ns < INT64_C(1) << 39; ns = ns * 5 / 4 + 1) {
        fill(ns, 0, 20);
        histogram.max = INT64_MAX; // or it would be taken instead
        assert_true(is_near(histogram_percentile_us(&histogram, 0.50), (double)ns / 1e3));
    }
}

static void bench_histogram_takes_any_duration(void **state)
{
    (void)state;
    fill(-5, 0, 20);
    assert_true(histogram_percentile_us(&histogram, 0.50) == 0);
    fill(INT64_MAX, 0, 20);
    assert_int_equal(histogram_count(&histogram), 20);
    assert_true(histogram_percentile_us(&histogram, 0.50) > 1e9);
}

static void bench_histograms_of_rounds_add_up(void **state)
{
    (void)state;
    static struct histogram sum;
    memset(&sum, 0, sizeof sum);
    fill(1000, 0, 600);
    histogram_add(&sum, &histogram);
    fill(9000, 0, 500);
    histogram_add(&sum, &histogram);
    assert_int_equal(histogram_count(&sum), 1100);
    assert_true(is_near(histogram_percentile_us(&sum, 0.50), 1));
    assert_true(is_near(histogram_percentile_us(&sum, 0.99), 9));
    assert_true(histogram_max_us(&sum) == 9);
}

static void bench_maximum_of_nothing_is_not_known(void **state)
{
    (void)state;
    fill(0, 0, 0);
    assert_true(isnan(histogram_max_us(&histogram)));
}

TESTS(cmocka_unit_test(bench_median_is_the_middle_round),
      cmocka_unit_test(bench_median_of_an_even_count_lies_between),
      cmocka_unit_test(bench_median_of_nothing_is_not_known),
      cmocka_unit_test(bench_ranges_overlap_when_they_touch),
      cmocka_unit_test(bench_percentile_needs_ten_samples_beyond_it),
      cmocka_unit_test(bench_percentile_is_the_sample_at_its_rank),
      cmocka_unit_test(bench_histogram_is_exact_to_less_than_one_percent),
      cmocka_unit_test(bench_histogram_takes_any_duration),
      cmocka_unit_test(bench_histograms_of_rounds_add_up),
      cmocka_unit_test(bench_maximum_of_nothing_is_not_known))
