// What is told: a table, an answer in words, and three files.
#ifndef BENCH_FETCH_REPORT_H
#define BENCH_FETCH_REPORT_H

#include "bench/fetch/machine.h"
#include "bench/fetch/plan.h"
#include "bench/fetch/rows.h"

#include <stdio.h>

struct report {
    const struct plan *plan;
    const struct machine *machine;
    const char *server;     // what was fetched from
    const struct row *rows; // finished; the ones with a schedule last
    size_t count;
    long counted;       // requests that the origin counted itself; -1: it was not ours
    const char *answer; // in words, lines with newlines; filled in by words_write's caller
};

void table_write(FILE *to, const struct report *report);
void words_write(FILE *to, const struct report *report);
void json_write(FILE *to, const struct report *report);
void csv_write(FILE *to, const struct report *report);
void html_write(FILE *to, const struct report *report);
// The charts of the page.
void svg_write(FILE *to, const struct report *report);

// Sums over all rows.
struct sums {
    long requests;
    long warm_up;
    long errors;
    double foreign; // share of the two cores that other programs took; 0 if not known
};
struct sums report_sums(const struct report *report);

// Text for people, in `text`, which is returned: "5,873", "9.8 ms", "10 ms", "24.1".
enum { SHORT_TEXT = 32 };
const char *text_count(char *text, double value);
const char *text_time(char *text, double us);
const char *text_delay(char *text, double delay_ms);
const char *text_percent(char *text, double share);
const char *text_memory(char *text, double kib);

#endif
