#include "bench/cli/tune_show.h"
#include "base/number.h"
#include "bench/cli/json.h"
#include "bench/tune/space.h"
#include "bench/tune/stand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- people ----------------------------------------------------------------------------------- */

/* Readers' settings that are clearly faster. */
#define CLEARLY 0.95

static void show_reader_advice(const struct fb_tune *tune, uint64_t group)
{
    for (size_t i = 0; i < tune->records.count; i++) {
        const struct fb_tune_record *row = &tune->records.items[i];
        if (row->group == group && strcmp(row->stage, "reader") == 0 && row->read_upper < CLEARLY)
            printf("Without writing anything: %s: %.2fx as fast (95 %%: %.2f-%.2f).\n",
                   row->setting, 1 / row->read_ratio, 1 / row->read_upper, 1 / row->read_lower);
    }
}

static void show_group(const struct fb_tune *tune, size_t number)
{
    const struct fb_tune_group *group = &tune->groups[number];
    putchar('\n');
    show_reader_advice(tune, number + 1);
    if (group->keep) {
        printf("Keep the present setting: nothing that was measured is clearly better, and "
               "allowed.\n");
        return;
    }
    const struct fb_tune_record *best = &tune->records.items[group->best_record];
    printf("Recommended: %s: %.2fx as fast (95 %%: %.2f-%.2f), %.0f %% of the size.\n",
           best->setting, 1 / best->read_ratio, 1 / best->read_upper, 1 / best->read_lower,
           100 * best->size_ratio);
    if (group->best.latest)
        puts("libver latest: whoever reads the file needs HDF5 1.10 or newer.");
    if (!group->held_out)
        puts("The data is too small to hold some back: other requests, but the same data.");
}

void fb_tune_show_left_out(const struct fb_tune *tune)
{
    char bytes[32];
    if (tune->left_out)
        printf("%zu other arrays (%s) were left as they are; --array takes them by themselves.\n",
               tune->left_out, fb_format_bytes(tune->left_bytes, bytes, sizeof bytes));
}

void fb_tune_show(const struct fb_tune *tune, enum fb_colour colour)
{
    printf("access: %s%s\n\n", tune->access,
           tune->default_access ? "  (none given: as the standard workloads do)" : "");
    fb_tune_print(stdout, &tune->records, fb_terminal_colour(stdout, colour),
                  fb_terminal_width(stdout));
    for (size_t g = 0; g < tune->group_count; g++)
        show_group(tune, g);
    fb_tune_show_left_out(tune);
}

/* --- programs --------------------------------------------------------------------------------- */

static json_t *group_json(const struct fb_tune *tune, const struct fb_tune_group *group)
{
    json_t *json =
        json_pack("{s:o, s:I, s:b, s:b}", "arrays", fb_json_text(group->arrays), "array_count",
                  (json_int_t)group->count, "held_out", group->held_out, "keep", group->keep);
    char text[512];
    if (!json || group->keep)
        return json;
    json_object_set_new(json, "format",
                        json_string(group->best.rank ? FB_TUNE_CHUNKED : FB_TUNE_CONTIGUOUS));
    json_object_set_new(json, "options",
                        json_string(fb_setting_options(&group->best, text, sizeof text)));
    json_object_set_new(json, "setting",
                        json_string(fb_setting_text(&group->best, text, sizeof text)));
    if (group->best_record == SIZE_MAX) /* it was given, and not measured */
        return json;
    const struct fb_tune_record *best = &tune->records.items[group->best_record];
    json_object_set_new(json, "read_ratio", fb_json_double(best->read_ratio));
    json_object_set_new(json, "read_lower", fb_json_double(best->read_lower));
    json_object_set_new(json, "read_upper", fb_json_double(best->read_upper));
    json_object_set_new(json, "size_ratio", fb_json_double(best->size_ratio));
    json_object_set_new(json, "cost", fb_json_double(best->cost));
    return json;
}

int fb_tune_show_json(const struct fb_tune *tune, struct fb_error *err)
{
    json_t *groups = json_array();
    for (size_t g = 0; g < tune->group_count; g++)
        json_array_append_new(groups, group_json(tune, &tune->groups[g]));
    json_t *all = json_pack("{s:o, s:o}", "access", fb_json_text(tune->access), "groups", groups);
    char *text = all ? json_dumps(all, JSON_INDENT(2)) : NULL;
    json_decref(all);
    if (!text)
        return fb_fail_memory(err, "the answer");
    puts(text);
    free(text);
    return 0;
}
