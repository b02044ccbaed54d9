#include "bench/tune/snippets.h"

#include <inttypes.h>
#include <string.h>

/* A string literal of C and of Python alike: octal escapes have three digits in both. Bytes above
 * 0x7f stay as they are, for sources are UTF-8. */
static void print_literal(FILE *stream, const char *text)
{
    putc('"', stream);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7f)
            fprintf(stream, "\\%03o", c);
        else if (c == '"' || c == '\\')
            fprintf(stream, "\\%c", c);
        else if (c == '?') /* "??=" is one character of C */
            fputs("\\077", stream);
        else
            putc(c, stream);
    }
    putc('"', stream);
}

/* --- h5py ------------------------------------------------------------------------------------- */

static const char python_copy[] =
    "\n"
    "HOW = {path: how for how, paths in CHANGES for path in paths}\n"
    "\n"
    "\n"
    "def copy_attributes(source, target):\n"
    "    for name in source.attrs:\n"
    "        kind = source.attrs.get_id(name).dtype\n"
    "        target.attrs.create(name, source.attrs[name], dtype=kind)\n"
    "\n"
    "\n"
    "def copy(source, target):\n"
    "    copy_attributes(source, target)\n"
    "    for name in source:\n"
    "        link = source.get(name, getlink=True)\n"
    "        if not isinstance(link, h5py.HardLink):\n"
    "            target[name] = link\n"
    "            continue\n"
    "        thing = source[name]\n"
    "        how = HOW.get(thing.name.lstrip(\"/\"))\n"
    "        if isinstance(thing, h5py.Group):\n"
    "            copy(thing, target.create_group(name))\n"
    "        elif how is None:\n"
    "            source.copy(name, target)\n"
    "        else:\n"
    "            if \"chunks\" in how:  # it can still grow where it could\n"
    "                how = dict(how, maxshape=thing.maxshape)\n"
    "            array = target.create_dataset(name, data=thing[()], dtype=thing.dtype,\n"
    "                                          fillvalue=thing.fillvalue, **how)\n"
    "            copy_attributes(thing, array)\n"
    "\n"
    "\n";

static void python_filter(FILE *stream, const struct fb_hdf5_step *step)
{
    if (step->id == FB_HDF5_SHUFFLE) {
        fputs(", shuffle=True", stream);
    } else if (step->id == FB_HDF5_GZIP) {
        fprintf(stream, ", compression=\"gzip\", compression_opts=%u", step->values[0]);
    } else if (step->id == FB_HDF5_SZIP) {
        fprintf(stream, ", compression=\"szip\", compression_opts=(\"nn\", %u)", step->values[1]);
    } else if (step->id == FB_HDF5_LZF) {
        fputs(", compression=\"lzf\"", stream);
    } else {
        fprintf(stream, ", compression=%u, compression_opts=(", step->id);
        for (unsigned i = 0; i < step->count; i++)
            fprintf(stream, "%s%u", i ? ", " : "", step->values[i]);
        fputs(step->count == 1 ? ",)" : ")", stream);
    }
}

static void python_settings(FILE *stream, const struct fb_portion *portion)
{
    struct fb_hdf5_step steps[FB_HDF5_STEPS_MAX];
    unsigned count = fb_portion_filters(portion, steps);
    fputs("dict(", stream);
    if (portion->rank > 0) {
        fputs("chunks=(", stream);
        fb_chunk_print(stream, portion, ", ");
        fputs(portion->rank == 1 ? ",)" : ")", stream);
    }
    for (unsigned i = 0; i < count; i++)
        python_filter(stream, &steps[i]);
    putc(')', stream);
}

static bool needs_plugins(const struct fb_portions *portions)
{
    struct fb_hdf5_step steps[FB_HDF5_STEPS_MAX];
    for (size_t i = 0; i < portions->count; i++) {
        unsigned count = fb_portion_filters(&portions->items[i], steps);
        if (count > 0 && steps[count - 1].id > FB_HDF5_SZIP && steps[count - 1].id != FB_HDF5_LZF)
            return true;
    }
    return false;
}

void fb_snippet_python(FILE *stream, const struct fb_portions *portions, const char *file,
                       const char *out)
{
    fputs("# References to objects are not kept, and hard links become copies.\n"
          "import h5py\n",
          stream);
    if (needs_plugins(portions))
        fputs("import hdf5plugin  # the filters\n", stream);
    fputs("\nCHANGES = [\n", stream);
    for (size_t i = 0; i < portions->count; i++) {
        const struct fb_portion *portion = &portions->items[i];
        fputs("    (", stream);
        python_settings(stream, portion);
        fputs(", [\n", stream);
        for (size_t k = 0; k < portion->count; k++) {
            fputs("        ", stream);
            print_literal(stream, portion->paths[k]);
            fputs(",\n", stream);
        }
        fputs("    ]),\n", stream);
    }
    fputs("]\n", stream);
    fputs(python_copy, stream);
    fputs("with h5py.File(", stream);
    print_literal(stream, file);
    fputs(", \"r\") as old, h5py.File(", stream);
    print_literal(stream, out);
    fprintf(stream, ", \"x\"%s) as new:\n    copy(old, new)\n",
            portions->latest ? ", libver=\"latest\"" : "");
}

/* --- C ---------------------------------------------------------------------------------------- */

static const char c_head[] =
    "/* cc -o rechunk rechunk.c $(pkg-config --cflags --libs hdf5-serial || "
    "pkg-config --cflags --libs hdf5)\n"
    "   && ./rechunk\n"
    "   References to objects are not kept, and hard links become copies. */\n"
    "#include <hdf5.h>\n"
    "#include <stdio.h>\n"
    "#include <stdlib.h>\n"
    "#include <string.h>\n"
    "\n"
    "#define TRY(call) do { if ((call) < 0) { fprintf(stderr, \"failed: %s\\n\", #call); "
    "exit(1); } } while (0)\n"
    "\n";

static const char c_copy[] =
    "static void *buffer(hid_t type, hid_t space)\n"
    "{\n"
    "    size_t count = (size_t)H5Sget_simple_extent_npoints(space), size = H5Tget_size(type);\n"
    "    void *data = calloc(count + 1, size);\n"
    "    TRY(data ? 0 : -1);\n"
    "    return data;\n"
    "}\n"
    "\n"
    "static herr_t copy_attribute(hid_t from, const char *name, const H5A_info_t *info, void *to)\n"
    "{\n"
    "    hid_t old = H5Aopen(from, name, H5P_DEFAULT), type = H5Aget_type(old);\n"
    "    hid_t space = H5Aget_space(old), new;\n"
    "    void *data = buffer(type, space);\n"
    "    (void)info;\n"
    "    TRY(new = H5Acreate(*(hid_t *)to, name, type, space, H5P_DEFAULT, H5P_DEFAULT));\n"
    "    TRY(H5Aread(old, type, data));\n"
    "    TRY(H5Awrite(new, type, data));\n"
    "    free(data);\n"
    "    H5Sclose(space), H5Tclose(type), H5Aclose(old), H5Aclose(new);\n"
    "    return 0;\n"
    "}\n"
    "\n"
    "/* A path without its leading slash. */\n"
    "static int is_changed(const char *path, hid_t creation)\n"
    "{\n"
    "    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)\n"
    "        if (strcmp(arrays[i].path, path) == 0) {\n"
    "            if (creation >= 0)\n"
    "                arrays[i].set(creation);\n"
    "            return 1;\n"
    "        }\n"
    "    return 0;\n"
    "}\n"
    "\n"
    "static hid_t copy_array(hid_t old, hid_t group, const char *name, const char *path)\n"
    "{\n"
    "    hid_t creation = H5Dget_create_plist(old), space = H5Dget_space(old);\n"
    "    hid_t type = H5Dget_type(old), new;\n"
    "    void *data = buffer(type, space);\n"
    "    TRY(H5Premove_filter(creation, H5Z_FILTER_ALL));\n"
    "    is_changed(path, creation);\n"
    "    TRY(new = H5Dcreate(group, name, type, space, H5P_DEFAULT, creation, H5P_DEFAULT));\n"
    "    TRY(H5Dread(old, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));\n"
    "    TRY(H5Dwrite(new, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));\n"
    "    free(data);\n"
    "    H5Tclose(type), H5Sclose(space), H5Pclose(creation);\n"
    "    return new;\n"
    "}\n"
    "\n"
    "struct place { hid_t group; const char *path; };\n"
    "\n"
    "static herr_t copy_link(hid_t from, const char *name, const H5L_info_t *info, void *context)\n"
    "{\n"
    "    struct place *to = context, below;\n"
    "    size_t size = strlen(to->path) + strlen(name) + 2;\n"
    "    char *path = malloc(size);\n"
    "    snprintf(path, size, \"%s%s%s\", to->path, *to->path ? \"/\" : \"\", name);\n"
    "    if (info->type != H5L_TYPE_HARD) {\n"
    "        TRY(H5Lcopy(from, name, to->group, name, H5P_DEFAULT, H5P_DEFAULT));\n"
    "        free(path);\n"
    "        return 0;\n"
    "    }\n"
    "    hid_t old = H5Oopen(from, name, H5P_DEFAULT), new = -1;\n"
    "    TRY(old);\n"
    "    if (H5Iget_type(old) == H5I_GROUP)\n"
    "        TRY(new = H5Gcreate(to->group, name, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));\n"
    "    else if (is_changed(path, -1))\n"
    "        new = copy_array(old, to->group, name, path);\n"
    "    else\n"
    "        TRY(H5Ocopy(from, name, to->group, name, H5P_DEFAULT, H5P_DEFAULT));\n"
    "    if (new >= 0)\n"
    "        TRY(H5Aiterate(old, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_attribute, &new));\n"
    "    below = (struct place){ new, path };\n"
    "    if (H5Iget_type(old) == H5I_GROUP)\n"
    "        TRY(H5Literate(old, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_link, &below));\n"
    "    if (new >= 0)\n"
    "        H5Oclose(new);\n"
    "    H5Oclose(old);\n"
    "    free(path);\n"
    "    return 0;\n"
    "}\n"
    "\n";

static void c_filter(FILE *stream, const struct fb_hdf5_step *step)
{
    if (step->id == FB_HDF5_SHUFFLE) {
        fputs("    TRY(H5Pset_shuffle(creation));\n", stream);
    } else if (step->id == FB_HDF5_GZIP) {
        fprintf(stream, "    TRY(H5Pset_deflate(creation, %u));\n", step->values[0]);
    } else if (step->id == FB_HDF5_SZIP) {
        fprintf(stream, "    TRY(H5Pset_szip(creation, H5_SZIP_NN_OPTION_MASK, %u));\n",
                step->values[1]);
    } else {
        fprintf(stream, "    /* %s */\n    TRY(H5Pset_filter(creation, %u, %s, %u, ", step->name,
                step->id, step->optional ? "H5Z_FLAG_OPTIONAL" : "H5Z_FLAG_MANDATORY", step->count);
        fputs(step->count ? "(const unsigned[]){ " : "NULL", stream);
        for (unsigned i = 0; i < step->count; i++)
            fprintf(stream, "%s%u", i ? ", " : "", step->values[i]);
        fputs(step->count ? " }));\n" : "));\n", stream);
    }
}

/* A function for each portion, and a table of paths and functions. */
static void c_table(FILE *stream, const struct fb_portions *portions)
{
    for (size_t i = 0; i < portions->count; i++) {
        const struct fb_portion *portion = &portions->items[i];
        struct fb_hdf5_step steps[FB_HDF5_STEPS_MAX];
        unsigned filter_count = fb_portion_filters(portion, steps);
        fprintf(stream, "static void set_%zu(hid_t creation)\n{\n", i + 1);
        if (portion->rank > 0) {
            fputs("    const hsize_t chunk[] = { ", stream);
            fb_chunk_print(stream, portion, ", ");
            fprintf(stream, " };\n    TRY(H5Pset_chunk(creation, %u, chunk));\n", portion->rank);
            for (unsigned k = 0; k < filter_count; k++)
                c_filter(stream, &steps[k]);
        } else {
            fputs("    TRY(H5Pset_layout(creation, H5D_CONTIGUOUS));\n", stream);
        }
        fputs("}\n\n", stream);
    }
    fputs("static const struct {\n"
          "    const char *path;\n"
          "    void (*set)(hid_t creation);\n"
          "} arrays[] = {\n",
          stream);
    for (size_t i = 0; i < portions->count; i++) {
        for (size_t k = 0; k < portions->items[i].count; k++) {
            fputs("    { ", stream);
            print_literal(stream, portions->items[i].paths[k]);
            fprintf(stream, ", set_%zu },\n", i + 1);
        }
    }
    fputs("};\n\n", stream);
}

void fb_snippet_c(FILE *stream, const struct fb_portions *portions, const char *file,
                  const char *out)
{
    fputs(c_head, stream);
    c_table(stream, portions);
    fputs(c_copy, stream);
    fputs("int main(void)\n{\n    hid_t access = H5Pcreate(H5P_FILE_ACCESS), old, new;\n", stream);
    if (portions->latest)
        fputs("    TRY(H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST));\n",
              stream);
    fputs("    TRY(old = H5Fopen(", stream);
    print_literal(stream, file);
    fputs(", H5F_ACC_RDONLY, H5P_DEFAULT));\n    TRY(new = H5Fcreate(", stream);
    print_literal(stream, out);
    fputs(", H5F_ACC_EXCL, H5P_DEFAULT, access));\n"
          "    struct place root = { new, \"\" };\n"
          "    hid_t root_old = H5Gopen(old, \"/\", H5P_DEFAULT);\n"
          "    hid_t root_new = H5Gopen(new, \"/\", H5P_DEFAULT);\n"
          "    TRY(H5Aiterate(root_old, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_attribute, "
          "&root_new));\n"
          "    TRY(H5Literate(root_old, H5_INDEX_NAME, H5_ITER_INC, NULL, copy_link, &root));\n"
          "    H5Gclose(root_old), H5Gclose(root_new), H5Pclose(access);\n"
          "    TRY(H5Fclose(new));\n"
          "    TRY(H5Fclose(old));\n"
          "    return 0;\n"
          "}\n",
          stream);
}
