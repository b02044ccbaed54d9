#include "datasets/importers.h"

#include <stddef.h>

const struct fb_importer *const fb_importers[] = {
    &fb_importer_synth,
    &fb_importer_openface,
    &fb_importer_pickle,
    &fb_importer_npy,
    &fb_importer_npz,
    NULL,
};

const struct fb_importer *fb_importer_of(const char *path)
{
    for (size_t i = 0; fb_importers[i]; i++)
        if (fb_importers[i]->recognises && fb_importers[i]->recognises(path))
            return fb_importers[i];
    return NULL;
}
