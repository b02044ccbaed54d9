/* github-action-benchmark, tool customSmallerIsBetter: an array of {name, unit, value, range,
 * extra}. It draws a chart a name and compares a value with the one before of that name. */
#include "base/number.h"
#include "results/export.h"
#include "results/label.h"

#include <inttypes.h>
#include <string.h>

static json_t *entry(const char *name, uint64_t ns, const char *range, const char *extra)
{
    json_t *json =
        json_pack("{s:s, s:s, s:o}", "name", name, "unit", "ns", "value", fb_export_integer(ns));
    if (json && *range)
        json_object_set_new(json, "range", json_string(range));
    if (json)
        json_object_set_new(json, "extra", json_string(extra));
    return json;
}

static json_t *run_entry(const struct fb_record *record, const char *name)
{
    char range[64] = "", extra[512];
    size_t used = 0;
    if (record->lower_ns != FB_NA && record->upper_ns != FB_NA &&
        record->lower_ns <= record->median_ns && record->median_ns <= record->upper_ns) {
        uint64_t below = record->median_ns - record->lower_ns;
        uint64_t above = record->upper_ns - record->median_ns;
        snprintf(range, sizeof range, "\u00b1 %" PRIu64, above > below ? above : below);
        used =
            (size_t)snprintf(extra, sizeof extra, "95 %% interval: %" PRIu64 " to %" PRIu64 " ns\n",
                             record->lower_ns, record->upper_ns);
    }
    if (record->blocks != FB_NA)
        used += (size_t)snprintf(extra + used, sizeof extra - used, "blocks: %" PRIu64 "\n",
                                 record->blocks);
    if (record->file_bytes != FB_NA)
        used += (size_t)snprintf(extra + used, sizeof extra - used, "file: %" PRIu64 " bytes\n",
                                 record->file_bytes);
    snprintf(extra + used, sizeof extra - used, "check: %s%s", record->verification,
             fb_is_unproven(record) ? "\ncache state not proven" : "");
    return entry(name, record->median_ns, range, extra);
}

/* The time of B, which is what comes next; A was told when it was B. */
static json_t *gate_entry(const struct fb_gate_record *record, const char *name)
{
    char extra[512], change[32], interval[48];
    snprintf(extra, sizeof extra, "%s: %s (95 %%: %s)%s%s",
             fb_gate_verdict_names[fb_gate_verdict_of(record)],
             fb_gate_change(record->change, change, sizeof change),
             fb_gate_interval_text(record, interval, sizeof interval), *record->counters ? "\n" : "",
             record->counters);
    return entry(name, record->b_median_ns, "", extra);
}

int fb_export_print_github(const struct fb_export *export, FILE *out, struct fb_error *err)
{
    json_t *all = json_array();
    for (size_t i = 0; all && i < export->name_count; i++) {
        json_t *json = NULL;
        /* The control has no B of its own. */
        if (export->gate && (fb_gate_is_control(&export->cells.items[i]) ||
                             export->cells.items[i].b_median_ns == FB_NA))
            continue;
        if (!export->gate && !fb_is_ok(&export->records.items[i]))
            continue;
        json = export->gate ? gate_entry(&export->cells.items[i], export->names[i])
                            : run_entry(&export->records.items[i], export->names[i]);
        if (json_array_append_new(all, json) != 0) {
            json_decref(all);
            all = NULL;
        }
    }
    return fb_export_print_json(all, out, err);
}
