#include "bench/cli/commands.h"

#include <stddef.h>

/* To add a command: its file, a line in commands.h and a line here. Order is that of the help. */
const struct fb_command fb_commands[] = {
    { "run", "measure how fast a dataset is read back from each format", fb_command_run, true },
    { "explain", "tell where the time of reading an HDF5 file goes, and what would help",
      fb_command_explain, true },
    { "tune", "find the chunk shape and compression with which an HDF5 file is read best",
      fb_command_tune, true },
    { "claims", "judge what the HDF5 guide claims about pickle and HDF5, by measuring",
      fb_command_claims, true },
    { "gate", "tell whether a change has made reading slower", fb_command_gate, true },
    { "selftest-gate", "try how often the gate is right on this machine", fb_command_selftest_gate,
      true },
    { "compare", "hold two stored runs against each other, cell by cell", fb_command_compare,
      false },
    { "history", "keep runs over time, and tell where a time changed", fb_command_history, false },
    { "gen", "make a file of the built-in dataset", fb_command_gen, true },
    { "convert", "write any dataset in a format", fb_command_convert, true },
    { "info", "show what a file holds, and how", fb_command_info, true },
    { "read", "print an array, or save it as .npy or .csv", fb_command_read, true },
    { "search", "find samples by frame count or name", fb_command_search, true },
    { "list", "show formats, sources and workloads with their options", fb_command_list, false },
    { "show", "print the table of a run again", fb_command_show, false },
    { "plot", "draw the pictures of a run again", fb_command_plot, false },
    { "export", "write results for other tools: pull requests, CI, charts", fb_command_export,
      false },
    { "schema", "describe the columns of results.csv and iterations.csv", fb_command_schema,
      false },
    { "execute", NULL, fb_command_execute, false },
    { "evict", NULL, fb_command_evict, false },
    { "worker", NULL, fb_command_worker, false },
    { NULL, NULL, NULL, false },
};
