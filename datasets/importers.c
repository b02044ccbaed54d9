#include "datasets/importers.h"

const struct fb_importer *const fb_importers[] = {
    &fb_importer_synth,
    &fb_importer_openface,
    NULL,
};
