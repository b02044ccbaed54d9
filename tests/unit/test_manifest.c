#include "base/output.h"
#include "datasets/manifest.h"
#include "formats/write.h"
#include "pattern_source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/fmtbench-test-XXXXXX";
static char file_path[sizeof folder + 16], manifest_path[sizeof folder + 32];

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(file_path, sizeof file_path, "%s/file", folder);
    snprintf(manifest_path, sizeof manifest_path, "%s/file.manifest.json", folder);
    return 0;
}

/* Fails when a test leaves temporary files. */
static int remove_folder(void **state)
{
    (void)state;
    unlink(file_path);
    unlink(manifest_path);
    return rmdir(folder);
}

static void put_text(const char *path, const char *text)
{
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    fputs(text, stream);
    assert_int_equal(fclose(stream), 0);
}

static void check_text(const char *path, const char *want)
{
    char *text;
    size_t length;
    assert_int_equal(fb_read_file(path, 1 << 20, &text, &length, NULL), 0);
    assert_string_equal(text, want);
    free(text);
}

static int write_file(struct fb_source *source, const char *spec, struct fb_write_cost *cost,
                      struct fb_error *err)
{
    const struct fb_format *format;
    struct fb_options options;
    assert_int_equal(fb_format_parse(spec, &format, &options, err), 0);
    return fb_file_write(format, &options, file_path, source, cost, err);
}

static void test_hash(void **state)
{
    (void)state;
    struct fb_hash hash;
    /* XXH3-128 of nothing, seed 0, as xxh128sum prints it. */
    fb_hash_bytes("", 0, &hash);
    assert_string_equal(hash.hex, "99aa06d3014798d86001c324468d497f");
    fb_hash_bytes("a", 1, &hash);
    assert_string_equal(hash.hex, "a96faf705af16834e6c632b61e964e1f");
}

static void test_round_trip(void **state)
{
    (void)state;
    static const char *const specs[] = { "raw", "raw:dtype=f32", "msgpack", "msgpack:dtype=f32" };
    for (size_t k = 0; k < sizeof specs / sizeof *specs; k++) {
        struct pattern_source *source = pattern_many();
        const struct fb_catalog *catalog = &source->catalog;
        struct fb_source *opened;
        struct fb_manifest manifest;
        struct fb_write_cost cost;
        struct fb_error err = { 0 };
        bool narrow = strstr(specs[k], "f32") != NULL;
        assert_int_equal(write_file(&source->base, specs[k], &cost, &err), 0);
        struct stat st;
        assert_int_equal(stat(file_path, &st), 0);
        assert_int_equal(cost.file_bytes, st.st_size);
        assert_int_equal(fb_manifest_read(file_path, &manifest, &err), 0);
        assert_string_equal(manifest.source, "pattern:");
        assert_memory_equal(manifest.format, specs[k], strlen(manifest.format));
        assert_string_equal(manifest.options, narrow ? "dtype=f32" : "dtype=source");
        assert_int_equal(manifest.catalog.array_count, catalog->array_count);
        assert_int_equal(manifest.catalog.sample_count, catalog->sample_count);
        struct fb_hash *read = calloc(catalog->array_count, sizeof *read), want;
        assert_int_equal(fb_source_open(file_path, NULL, NULL, &opened, &err), 0);
        assert_int_equal(fb_hash_source(opened, read, &err), 0);
        for (size_t i = 0; i < catalog->array_count; i++) {
            const struct fb_array_info *info = &catalog->arrays[i];
            unsigned char *bytes = pattern_bytes(info);
            size_t n = (size_t)info->bytes;
            if (narrow && info->dtype.kind == FB_FLOAT && info->dtype.size == 8) {
                n /= 2;
                for (size_t e = 0; e < n / 4; e++) {
                    double value;
                    memcpy(&value, bytes + 8 * e, 8);
                    float less = (float)value;
                    memcpy(bytes + 4 * e, &less, 4);
                }
            }
            fb_hash_bytes(bytes, n, &want);
            assert_string_equal(manifest.catalog.arrays[i].path, info->path);
            assert_int_equal(manifest.catalog.arrays[i].bytes, n);
            assert_string_equal(manifest.hashes[i].hex, want.hex);
            assert_string_equal(read[i].hex, want.hex);
            free(bytes);
        }
        free(read);
        fb_source_close(opened);
        fb_manifest_free(&manifest);
        fb_source_close(&source->base);
    }
}

/* Whatever fails, the old pair stays as it was. */
static void test_failures(void **state)
{
    (void)state;
    struct pattern_source *source = pattern_many();
    struct fb_error err = { 0 };
    put_text(file_path, "old data");
    put_text(manifest_path, "old manifest");
    for (unsigned n = 0; n < 6; n++) {
        source->fail_after = n;
        assert_int_equal(write_file(&source->base, n % 2 ? "raw" : "msgpack", NULL, &err), FB_EIO);
        check_text(file_path, "old data");
        check_text(manifest_path, "old manifest");
    }
    fb_source_close(&source->base);

    source = pattern_new();
    pattern_add(source, "s", "n", "s/not-utf8-\xff", "int8", 0, (const uint64_t[]){ 0 });
    assert_int_equal(fb_catalog_finish(&source->catalog, &err), 0);
    assert_int_equal(write_file(&source->base, "raw", NULL, &err), FB_EUNSUPPORTED);
    assert_non_null(strstr(err.message, "UTF-8"));
    /* Here the data file is written well, and only the manifest fails. */
    assert_int_equal(write_file(&source->base, "msgpack", NULL, &err), FB_EUNSUPPORTED);
    check_text(file_path, "old data");
    check_text(manifest_path, "old manifest");
    fb_source_close(&source->base);
}

/* The final step fails: the manifest's name is taken by a folder. */
static void test_name_taken(void **state)
{
    (void)state;
    struct pattern_source *source = pattern_many();
    struct fb_error err = { 0 };
    unlink(manifest_path);
    put_text(file_path, "old data");
    assert_int_equal(mkdir(manifest_path, 0777), 0);
    assert_int_equal(write_file(&source->base, "raw", NULL, &err), FB_EIO);
    assert_non_null(strstr(err.message, manifest_path));
    check_text(file_path, "old data");
    assert_int_equal(rmdir(manifest_path), 0);
    fb_source_close(&source->base);
}

static void test_observer(void **state)
{
    (void)state;
    struct pattern_source *source = pattern_new();
    struct fb_source *observer;
    struct fb_error err = { 0 };
    struct fb_hash hash[1], want;
    char rows[24];
    pattern_add(source, "s", "n", "s/x", "int8", 2, (const uint64_t[]){ 6, 4 });
    assert_int_equal(fb_catalog_finish(&source->catalog, &err), 0);
    unsigned char *bytes = pattern_bytes(&source->catalog.arrays[0]);
    fb_hash_bytes(bytes, 24, &want);
    free(bytes);
    static const struct {
        uint64_t reads[4][4]; /* start 0 and 1, count 0 and 1 */
        int rc;
    } cases[] = {
        { { { 0, 0, 6, 4 } }, 0 },
        { { { 0, 0, 1, 4 }, { 1, 0, 3, 4 }, { 4, 0, 2, 4 } }, 0 },
        { { { 0, 0, 5, 4 } }, FB_EFORMAT },
        { { { 1, 0, 5, 4 }, { 0, 0, 1, 4 } }, FB_EFORMAT },
        { { { 0, 0, 3, 4 }, { 0, 0, 6, 4 } }, FB_EFORMAT },
        { { { 0, 0, 6, 4 }, { 0, 0, 6, 4 } }, FB_EFORMAT },
        { { { 0, 0, 6, 2 }, { 0, 2, 6, 2 } }, FB_EFORMAT },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(fb_source_observe(&source->base, &observer, &err), 0);
        for (size_t k = 0; cases[i].reads[k][2]; k++)
            assert_int_equal(fb_source_read(observer, 0, cases[i].reads[k], cases[i].reads[k] + 2,
                                            rows, sizeof rows, &err),
                             0);
        assert_int_equal(fb_source_observed_hashes(observer, hash, &err), cases[i].rc);
        if (cases[i].rc == 0)
            assert_string_equal(hash[0].hex, want.hex);
        fb_source_close(observer);
    }
    fb_source_close(&source->base);
}

/* Who writes through a symbolic link finds the manifest beside the file, by either name. */
static void test_link(void **state)
{
    (void)state;
    char link_path[sizeof file_path + 8];
    struct fb_manifest manifest;
    struct fb_error err;
    snprintf(link_path, sizeof link_path, "%s-link", file_path);
    put_text(file_path, "old");
    assert_int_equal(symlink("file", link_path), 0);
    struct pattern_source *source = pattern_many();
    const struct fb_format *format;
    struct fb_options options;
    assert_int_equal(fb_format_parse("raw", &format, &options, &err), 0);
    assert_int_equal(fb_file_write(format, &options, link_path, &source->base, NULL, &err), 0);
    fb_source_close(&source->base);
    assert_int_equal(access(manifest_path, F_OK), 0);
    assert_int_equal(fb_manifest_read(link_path, &manifest, &err), 0);
    fb_manifest_free(&manifest);
    assert_int_equal(unlink(link_path), 0); /* and it is still a link of its own */
    assert_int_equal(access(file_path, F_OK), 0);
    unlink(manifest_path);
}

#define HEAD "\"manifest_version\":1,\"source\":\"s\",\"format\":\"raw\",\"options\":\"\","
#define BODY(hash)                                                                                 \
    "\"samples\":[{\"path\":\"s\",\"name\":\"s\"}],\"arrays\":[{\"path\":\"s/x\",\"sample\":0,"    \
    "\"dtype\":\"int8\",\"shape\":[1],\"xxh3_128\":" hash "}]"
#define HASH "\"99aa06d3014798d86001c324468d497f\""

static void test_damaged(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int rc;
    } cases[] = {
        { "{" HEAD BODY(HASH) "}", 0 },
        { "{" HEAD BODY("\"99\"") "}", FB_EFORMAT },
        { "{" HEAD BODY("\"99AA06d3014798d86001c324468d497f\"") "}", FB_EFORMAT },
        { "{" HEAD BODY("7") "}", FB_EFORMAT },
        { "{" HEAD BODY(HASH), FB_EFORMAT },
        { "{" BODY(HASH) "}", FB_EFORMAT },
        { "{" HEAD "\"source\":\"t\"," BODY(HASH) "}", FB_EFORMAT },
        { "{" HEAD "\"samples\":[]}", FB_EFORMAT },
        { "{" HEAD "\"samples\":[{\"path\":\"s\",\"name\":\"s\"}],\"arrays\":[{\"path\":\"\","
          "\"sample\":0,\"dtype\":\"int8\",\"shape\":[1],\"xxh3_128\":" HASH "}]}",
          FB_EFORMAT },
        { "", FB_EFORMAT },
        { "{\"manifest_version\":2,\"source\":\"s\",\"format\":\"raw\",\"options\":\"\"," BODY(
              HASH) "}",
          FB_EUNSUPPORTED },
    };
    struct fb_manifest manifest;
    struct fb_error err;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        err.message[0] = '\0';
        put_text(manifest_path, cases[i].text);
        int rc = fb_manifest_read(file_path, &manifest, &err);
        if (rc != cases[i].rc)
            fail_msg("case %zu gives %d: %s", i, rc, err.message);
        assert_true(rc == 0 || strstr(err.message, manifest_path));
        fb_manifest_free(&manifest);
    }
    unlink(manifest_path);
    assert_int_equal(fb_manifest_read(file_path, &manifest, &err), FB_ENOTHING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash),     cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_failures), cmocka_unit_test(test_name_taken),
        cmocka_unit_test(test_observer), cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_link),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
