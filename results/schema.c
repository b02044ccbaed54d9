#include "results/schema.h"
#include "results/anatomy.h"
#include "results/claims.h"
#include "results/compare.h"
#include "results/gate.h"
#include "results/history.h"
#include "results/record.h"
#include "results/selftest.h"
#include "results/tune.h"

static const char *type_name(const struct fb_column *column)
{
    switch (column->type) {
    case FB_COLUMN_TEXT:
        return "text";
    case FB_COLUMN_U64:
        return "integer";
    case FB_COLUMN_DOUBLE:
        return "number";
    }
    return "";
}

static void print_table(FILE *out, const char *title, const struct fb_column *columns)
{
    fprintf(out, "\n## %s\n\n| column | type | unit | what it says |\n| --- | --- | --- | --- |\n",
            title);
    for (; columns->name; columns++)
        fprintf(out, "| `%s` | %s | %s | %s |\n", columns->name, type_name(columns), columns->unit,
                columns->help);
}

void fb_schema_print(FILE *out)
{
    fprintf(out,
            "# What a run records\n"
            "\n"
            "Schema version %d, as `fmtbench schema` prints it; the tables in `results/record.c` "
            "are where it comes from.\n"
            "CSV as in RFC 4180, with LF and a header; an empty field means not available. "
            "Readers find columns by name.\n",
            FB_SCHEMA_VERSION);
    print_table(out, "results.csv: a row per cell", fb_record_columns);
    print_table(out, "blocks.csv: a row per worker process", fb_block_columns);
    print_table(out, "iterations.csv: a row per timed execution", fb_iteration_columns);
    print_table(out, "batches.csv: a row per batch of an epoch", fb_batch_columns);
    print_table(out, "anatomy.csv: a row per traced pass (`run --anatomy`, `explain -o`)",
                fb_anatomy_columns);
    print_table(out, "claims.csv: a row per figure and per verdict (`claims`)", fb_figure_columns);
    print_table(out, "tune.csv: a row per setting (`tune -o`)", fb_tune_columns);
    print_table(out, "gate.csv: a row per cell of a gate (`gate`)", fb_gate_columns);
    print_table(out, "pairs.csv: a row per pair of workers of a gate", fb_gate_pair_columns);
    print_table(out, "selftest.csv: a row per trial of the gate (`selftest-gate -o`)",
                fb_selftest_columns);
    print_table(out, "compare.csv: a row per cell of two runs (`compare -o`)", fb_compare_columns);
    print_table(out, "history.csv: a row per cell of each run (`history add`)", fb_history_columns);
}
