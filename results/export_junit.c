/* JUnit XML as Jenkins's xUnit plugin defines it (junit-10.xsd): a suite, a test case a cell. Times
 * are those of one iteration, in seconds; what is exact stands in system-out too. */
#include "base/number.h"
#include "results/export.h"
#include "results/label.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum outcome { PASSED, FAILURE, ERROR, SKIPPED, OUTCOMES };

struct test {
    const char *workload;
    uint64_t ns; /* FB_NA for none */
    enum outcome outcome;
    const char *type;
    char message[1024];
};

/* Text has neither control characters nor invalid UTF-8: fb_export. */
static void print_escaped(FILE *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", out);
            break;
        case '<':
            fputs("&lt;", out);
            break;
        case '>':
            fputs("&gt;", out);
            break;
        case '"':
            fputs("&quot;", out);
            break;
        default:
            fputc(*text, out);
        }
}

static void print_attribute(FILE *out, const char *name, const char *value)
{
    fprintf(out, " %s=\"", name);
    print_escaped(out, value);
    fputc('"', out);
}

/* --- what became of a cell -------------------------------------------------------------------- */

static void judge_run(const struct fb_record *record, struct test *test)
{
    static const struct {
        const char *status;
        enum outcome outcome;
    } known[] = {
        { "wrong-data", FAILURE },
        { "failed", FAILURE },
        { "not-applicable", SKIPPED },
        { "not-run", SKIPPED },
    };
    char time[32];
    test->workload = record->workload;
    test->ns = fb_is_ok(record) ? record->median_ns : FB_NA;
    test->outcome = fb_is_ok(record) ? PASSED : ERROR;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(record->status, known[i].status) == 0)
            test->outcome = known[i].outcome;
    test->type = *record->status ? record->status : "n/a";
    if (test->outcome == PASSED)
        snprintf(test->message, sizeof test->message, "median %s, %" PRIu64 " ns; %s",
                 fb_format_ns(test->ns, time, sizeof time), test->ns, record->verification);
    else
        snprintf(test->message, sizeof test->message, "%s%s%s", test->type,
                 *record->reason ? ": " : "", record->reason);
}

static void judge_gate(const struct fb_gate_record *record, struct test *test)
{
    static const enum outcome outcomes[FB_ROW_VERDICTS] = {
        [FB_ROW_REGRESSED] = FAILURE,    [FB_ROW_NO_DATA] = ERROR,
        [FB_ROW_INCONCLUSIVE] = SKIPPED, [FB_ROW_IMPROVED] = PASSED,
        [FB_ROW_EQUIVALENT] = PASSED,
    };
    enum fb_gate_verdict verdict = fb_gate_verdict_of(record);
    char change[32], interval[48], a[32] = "n/a", b[32] = "n/a";
    if (record->a_median_ns != FB_NA)
        fb_format_ns(record->a_median_ns, a, sizeof a);
    if (record->b_median_ns != FB_NA)
        fb_format_ns(record->b_median_ns, b, sizeof b);
    test->workload = record->workload;
    test->ns = record->b_median_ns;
    test->outcome = outcomes[verdict];
    /* A control that changed says that the gate itself did not work. */
    if (fb_gate_is_control(record) && (verdict == FB_ROW_REGRESSED || verdict == FB_ROW_IMPROVED))
        test->outcome = ERROR;
    test->type = fb_gate_verdict_names[verdict];
    snprintf(test->message, sizeof test->message, "%s%s: %s (95 %%: %s), %s -> %s%s%s%s%s",
             fb_gate_is_control(record) ? "control " : "", test->type,
             fb_gate_change(record->change, change, sizeof change),
             fb_gate_interval_text(record, interval, sizeof interval), a, b,
             *record->counters ? "; " : "", record->counters, *record->reason ? "; " : "",
             record->reason);
}

static struct test judge(const struct fb_export *export, size_t i)
{
    struct test test = { 0 };
    if (export->gate)
        judge_gate(&export->cells.items[i], &test);
    else
        judge_run(&export->records.items[i], &test);
    return test;
}

/* --- XML -------------------------------------------------------------------------------------- */

static void print_time(FILE *out, uint64_t ns)
{
    ns = ns == FB_NA ? 0 : ns;
    fprintf(out, " time=\"%" PRIu64 ".%09" PRIu64 "\"", ns / 1000000000, ns % 1000000000);
}

static void print_test(FILE *out, const char *name, const struct test *test)
{
    static const char *const elements[OUTCOMES] = { NULL, "failure", "error", "skipped" };
    const char *element = elements[test->outcome];
    fputs("    <testcase", out);
    print_attribute(out, "name", name);
    fputs(" classname=\"fmtbench.", out);
    print_escaped(out, test->workload);
    fputc('"', out);
    print_time(out, test->ns);
    fputs(">\n", out);
    if (element) {
        fprintf(out, "      <%s", element);
        print_attribute(out, "type", test->type);
        print_attribute(out, "message", test->message);
        fputs("/>\n", out);
    }
    fputs("      <system-out>", out);
    print_escaped(out, test->message);
    fputs("</system-out>\n    </testcase>\n", out);
}

int fb_export_print_junit(const struct fb_export *export, FILE *out, struct fb_error *err)
{
    size_t counts[OUTCOMES] = { 0 };
    uint64_t total = 0;
    char *totals;
    for (size_t i = 0; i < export->name_count; i++) {
        struct test test = judge(export, i);
        counts[test.outcome]++;
        if (test.ns != FB_NA && !fb_add_u64(total, test.ns, &total))
            total = UINT64_MAX - 1;
    }
    if (asprintf(&totals, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\"", export->name_count,
                 counts[FAILURE], counts[ERROR]) < 0)
        return fb_fail_memory(err, "the export");
    const char *suite = export->gate ? "fmtbench gate" : "fmtbench run";
    fprintf(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"%s\"%s>\n", suite,
            totals);
    fprintf(out, "  <testsuite name=\"%s\"%s skipped=\"%zu\"", suite, totals, counts[SKIPPED]);
    print_time(out, total);
    fputs(">\n    <properties>\n      <property", out);
    print_attribute(out, "name", export->gate ? "gate_id" : "run_id");
    print_attribute(out, "value",
                    export->gate ? export->cells.items[0].gate_id
                                 : export->records.items[0].run_id);
    fputs("/>\n    </properties>\n", out);
    for (size_t i = 0; i < export->name_count; i++) {
        struct test test = judge(export, i);
        print_test(out, export->names[i], &test);
    }
    fputs("  </testsuite>\n</testsuites>\n", out);
    free(totals);
    return 0;
}
