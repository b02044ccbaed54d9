# fmtbench: `make deps demo` takes a bare Debian 12 with make and a C compiler to a first picture,
# `make deps-test test` checks everything.

PREFIX ?= /usr/local
DESTDIR ?=
B ?= build
CC ?= cc
CFLAGS ?= -O2 -g
SANITIZE ?=
JOBS ?= $(shell nproc)
V ?=
# One short line for what is built; `make V=1` shows the compiler's commands.
quietly = $(if $(filter-out 0,$(V)),,@echo 'cc $@' && )

VERSION := 0.1.0
COMMIT := $(shell git describe --always --dirty 2>/dev/null || echo n/a)
PACKAGES := hdf5-serial msgpack jansson libxxhash zlib libdeflate
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes

# Expanded late: `make deps` must work before pkg-config is there.
PKG_CFLAGS = $(shell pkg-config --cflags $(PACKAGES))
PKG_LIBS = $(shell pkg-config --libs $(PACKAGES)) -lcsv -lm -pthread

# -ffp-contract=off: the generator's data must be the same bytes on every machine.
ALL_CFLAGS = -std=c11 -pthread -D_GNU_SOURCE -I. $(WARNINGS) -ffp-contract=off $(PKG_CFLAGS) $(CFLAGS) \
             $(SANITIZE) -DFB_VERSION='"$(VERSION)"' -DFB_SHARE_DIR='"$(PREFIX)/share/fmtbench"' \
             -MMD -MP

SOURCES := $(sort $(wildcard base/*.c datasets/*.c formats/*.c formats/*/*.c bench/*.c \
                             bench/workloads/*.c bench/anatomy/*.c bench/claims/*.c bench/epoch/*.c \
                             bench/tune/*.c bench/gate/*.c bench/cli/*.c results/*.c \
                             plots/*.c))
OBJECTS := $(SOURCES:%.c=$(B)/%.o)
MAIN := $(B)/bench/cli/main.o
FMTBENCH := $(B)/fmtbench

# A library of its own: formats/direct/hdf5_direct.h. And what programs are started with that have
# zlib's inflate, to have libdeflate's.
DIRECT := $(B)/libhdf5_direct.a
PRELOAD := $(B)/libfmtbench-inflate.so

.PHONY: all preload
all: $(FMTBENCH) $(DIRECT) $(PRELOAD)
preload: $(PRELOAD)

$(FMTBENCH): $(MAIN) $(B)/libfmtbench.a
	$(quietly)$(CC) $(SANITIZE) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(B)/libfmtbench.a: $(filter-out $(MAIN),$(OBJECTS))
	@rm -f $@
	@$(AR) rcs $@ $^

$(DIRECT): $(patsubst %.c,$(B)/%.o,$(sort $(wildcard formats/direct/*.c)))
	@rm -f $@
	@$(AR) rcs $@ $^

$(B)/%.o: %.c | $(B)/deps-checked
	@mkdir -p $(@D)
	$(quietly)$(CC) $(ALL_CFLAGS) -c -o $@ $<

# For programs of any kind: without sanitizers, and with libdeflate inside where that can be, so that
# it gets between no program and a libdeflate of its own.
$(PRELOAD): formats/direct/preload/inflate.c | $(B)/deps-checked
	$(quietly)$(CC) $(filter-out $(SANITIZE),$(ALL_CFLAGS)) -fPIC -shared -o $@ $< $(LDFLAGS) \
	    $(firstword $(wildcard $(shell $(CC) -print-file-name=libdeflate.a)) -ldeflate) \
	    -Wl,--exclude-libs,ALL -ldl

# Only this file changes with every commit, and it must: a record names the commit that it is of.
.PHONY: always
$(B)/commit: always
	@mkdir -p $(@D)
	@echo '$(COMMIT)' | cmp -s - $@ || echo '$(COMMIT)' > $@
$(B)/bench/environment.o: $(B)/commit
$(B)/bench/environment.o: ALL_CFLAGS += -DFB_COMMIT='"$(COMMIT)"' -DFB_BUILD_FLAGS='"$(CFLAGS) $(SANITIZE)"'

# One clear word instead of a page of missing headers; again when another library is needed.
$(B)/deps-checked: deps.txt Makefile
	@mkdir -p $(B)
	@{ pkg-config --exists $(PACKAGES) && echo '#include <csv.h>' | $(CC) -E - ; } >/dev/null 2>&1 || { \
	    echo "Missing libraries: run 'make deps' first, or install what deps.txt lists." >&2; exit 1; }
	@touch $@

# --- packages -------------------------------------------------------------------------------------

SUDO := $(shell [ "$$(id -u)" = 0 ] || command -v sudo)

define install_packages
	@if command -v apt-get >/dev/null; then \
	    missing=$$(dpkg-query -W -f '$${Package} $${Status}\n' $$(sed '/^#/d' $(1)) 2>/dev/null | \
	        awk '/install ok installed/ {print $$1}' | sort | \
	        comm -13 - <(sed '/^#/d' $(1) | sort)); \
	    if [ -n "$$missing" ] && [ "$$(id -u)" != 0 ] && [ -z "$(SUDO)" ]; then \
	        echo "There is no sudo here. Please run as root: apt-get install" $$missing >&2; exit 1; \
	    elif [ -n "$$missing" ]; then \
	        echo "Installing" $$missing; \
	        $(SUDO) apt-get update -qq && \
	        DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends \
	            $$missing >/dev/null; \
	    fi; \
	else \
	    echo "This is no Debian or Ubuntu. Please install what these packages hold:" >&2; \
	    sed '/^#/d; s/^/  /' $(1) >&2; exit 1; \
	fi
endef

SHELL := /bin/bash

# Nothing else starts before the packages are there.
ifneq ($(filter deps%,$(MAKECMDGOALS)),)
.NOTPARALLEL:
endif

.PHONY: deps deps-test deps-bench
deps:
	$(call install_packages,deps.txt)
deps-test: deps
	$(call install_packages,deps-test.txt)
deps-bench: deps
	$(call install_packages,deps-bench.txt)

# --- the main job ---------------------------------------------------------------------------------

# The default dataset as a file of the user's own would be: so that as-is takes part too.
DEMO ?= results/runs/demo-$(shell date +%Y%m%d-%H%M%S)
# What gen and run are told beside file and folder: by `make demo` and by `make bench-repeat`.
DEMO_GEN := -f hdf5-contiguous
DEMO_RUN :=

# Built by a make of its own, so that `make deps demo` installs first and builds on all cores.
.PHONY: demo
demo:
	@$(MAKE) --no-print-directory -j$(JOBS) all
	@mkdir -p $(DEMO)
	$(FMTBENCH) gen -o $(DEMO)/noxire.h5 $(DEMO_GEN)
	$(FMTBENCH) run $(DEMO)/noxire.h5 $(DEMO_RUN) -o $(DEMO)

# What the guide claims, judged: on the default dataset, or on SOURCE=...
CLAIMS ?= results/runs/claims-$(shell date +%Y%m%d-%H%M%S)
SOURCE ?=

.PHONY: claims
claims:
	@$(MAKE) --no-print-directory -j$(JOBS) all
	$(FMTBENCH) claims $(SOURCE) -o $(CLAIMS)

# Whole commands, timed by hyperfine, beside the worker's own clock.
HYPERFINE ?= results/runs/hyperfine-$(shell date +%Y%m%d-%H%M%S)

.PHONY: hyperfine
hyperfine:
	@$(MAKE) --no-print-directory -j$(JOBS) all
	$(FMTBENCH) run -f hdf5-contiguous -f hdf5-chunked -w random-access -w slicing --handle once \
	    --whole-process -o $(HYPERFINE)

# --- tests ----------------------------------------------------------------------------------------

# The first python3 that has what the tests import.
PYTHON ?= $(shell for p in python3 /usr/bin/python3; do \
    $$p -c 'import h5py, msgpack, numpy' 2>/dev/null && { echo $$p; exit; }; done; echo python3)

UNIT_SOURCES := $(sort $(wildcard tests/unit/test_*.c))
UNIT_TESTS := $(UNIT_SOURCES:%.c=$(B)/%.t)
SCRIPT_TESTS := $(sort $(wildcard tests/cli/*.py tests/interop/*.py))

$(B)/tests/unit/%.t: tests/unit/%.c $(B)/libfmtbench.a
	@mkdir -p $(@D)
	$(quietly)$(CC) $(ALL_CFLAGS) -o $@ $< $(B)/libfmtbench.a $(PKG_LIBS) -lcmocka -lz

# Programs that scripts of the same folder use.
HELPERS := $(patsubst %.c,$(B)/%,$(sort $(wildcard tests/interop/*.c)))

$(B)/tests/interop/%: tests/interop/%.c $(B)/libfmtbench.a
	@mkdir -p $(@D)
	$(quietly)$(CC) $(ALL_CFLAGS) -o $@ $< $(B)/libfmtbench.a $(PKG_LIBS)

.PHONY: test unit asan valgrind all-tests
all-tests: $(FMTBENCH) $(DIRECT) $(UNIT_TESTS) $(HELPERS) $(PRELOAD)
test:
	@$(MAKE) --no-print-directory -j$(JOBS) all-tests
	FMTBENCH=$(abspath $(FMTBENCH)) PYTHON=$(PYTHON) CC="$(CC)" \
	    prove -j$(JOBS) --timer -e tests/run-one $(UNIT_TESTS) $(SCRIPT_TESTS)

unit: $(UNIT_TESTS)
	prove -e tests/run-one $(UNIT_TESTS)

# A malloc that fails returns NULL, as it does elsewhere: that is what is tested.
asan:
	ASAN_OPTIONS=allocator_may_return_null=1:suppressions=$(abspath tests/asan.supp) \
	    LSAN_OPTIONS=print_suppressions=0:suppressions=$(abspath tests/lsan.supp) $(MAKE) B=$(B)/asan CFLAGS="-O1 -g -fno-omit-frame-pointer" \
	    SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=undefined" test

# Workers too, which makes each of them take a second: of `run` there is the smoke test alone.
VALGRIND_TESTS := tests/cli/basics.py tests/cli/bad_input.py tests/cli/run_smoke.py

valgrind: $(FMTBENCH)
	FMTBENCH=$(abspath tests/under-valgrind) FMTBENCH_REAL=$(abspath $(FMTBENCH)) \
	    PYTHON=$(PYTHON) prove -j$(JOBS) --timer -e tests/run-one $(VALGRIND_TESTS)

# Bytes of any kind as chunks, against zlib. What was found before is in the corpus and is tried first.
FUZZ_SECONDS ?= 3600
FUZZ_CORPUS ?= $(B)/fuzz/corpus
FUZZ_SOURCES := tests/fuzz/direct_decode.c formats/direct/decode.c formats/direct/place.c \
                formats/direct/weave.c

$(B)/fuzz/direct_decode: $(FUZZ_SOURCES) $(wildcard formats/direct/*.h) | $(B)/deps-checked
	@mkdir -p $(@D)
	clang -std=c11 -D_GNU_SOURCE -I. $(WARNINGS) $(PKG_CFLAGS) -O1 -g \
	    -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -o $@ $(FUZZ_SOURCES) \
	    $(shell pkg-config --libs libdeflate zlib)

.PHONY: fuzz-direct
fuzz-direct: $(B)/fuzz/direct_decode
	@mkdir -p $(FUZZ_CORPUS)
	$< -max_total_time=$(FUZZ_SECONDS) -max_len=8192 -print_final_stats=1 \
	    -artifact_prefix=$(B)/fuzz/ $(FUZZ_CORPUS)

# --- benchmarks of fmtbench itself ----------------------------------------------------------------

$(B)/tests/bench/%: tests/bench/%.c $(B)/libfmtbench.a
	@mkdir -p $(@D)
	$(quietly)$(CC) $(ALL_CFLAGS) -o $@ $< $(B)/libfmtbench.a $(PKG_LIBS)

.PHONY: bench-overhead bench-scale bench-coverage bench-anatomy bench-explain bench-clocks \
        bench-repeat bench-cold bench-undisturbed bench-epoch bench-pickle bench-h5py \
        bench-tune bench-gate-rates bench-gate bench-direct bench-direct-equal bench-preload
bench-undisturbed: $(B)/tests/bench/undisturbed $(FMTBENCH)
	$< $(abspath $(FMTBENCH))
bench-anatomy: $(B)/tests/bench/anatomy
	$<
bench-overhead: $(B)/tests/bench/overhead
	$<
bench-coverage: $(B)/tests/bench/coverage
	$<
# On the blocks that `selftest-gate -o` kept; they are recorded first, where they are not yet.
GATE_TRIALS ?= results/selftest-gate
bench-gate: $(B)/tests/bench/gate $(FMTBENCH)
	$(FMTBENCH) selftest-gate -o $(GATE_TRIALS) || test $$? -eq 4
	$< $(GATE_TRIALS)
bench-gate-rates: $(B)/tests/bench/gate_rates
	$<
bench-explain: $(FMTBENCH)
	FMTBENCH=$(abspath $(FMTBENCH)) $(PYTHON) tests/bench/explain.py
bench-scale: $(FMTBENCH)
	FMTBENCH=$(abspath $(FMTBENCH)) $(PYTHON) tests/bench/scale.py
bench-clocks: $(FMTBENCH)
	FMTBENCH=$(abspath $(FMTBENCH)) $(PYTHON) tests/bench/clocks.py
bench-direct: $(B)/tests/bench/direct
	$<
# Not a time but equality, of more datasets than `make test` has patience for.
DIRECT_CASES ?= 10000
bench-direct-equal: $(B)/tests/interop/direct_random $(B)/tests/interop/direct_damage
	$(B)/tests/interop/direct_random random $(DIRECT_CASES) 1
	$(B)/tests/interop/direct_damage $(DIRECT_CASES) 1
# The first python3 that has PyTorch.
bench-epoch: $(FMTBENCH)
	FMTBENCH=$(abspath $(FMTBENCH)) $$(for p in python3 /usr/bin/python3; do \
	    $$p -c 'import h5py, torch' 2>/dev/null && { echo $$p; exit; }; done; echo python3) \
	    tests/bench/epoch.py
bench-repeat: $(FMTBENCH)
	FMTBENCH=$(abspath $(FMTBENCH)) $(PYTHON) tests/bench/repeat.py --gen="$(DEMO_GEN)" --run="$(DEMO_RUN)"
bench-preload: $(FMTBENCH) $(PRELOAD)
	FMTBENCH=$(abspath $(FMTBENCH)) $(PYTHON) tests/bench/preload.py
bench-pickle: $(FMTBENCH)
	FMTBENCH=$(abspath $(FMTBENCH)) PYTHON=$(PYTHON) $(PYTHON) tests/bench/load_pickle.py
bench-h5py: $(FMTBENCH)
	FMTBENCH=$(abspath $(FMTBENCH)) PYTHON=$(PYTHON) $(PYTHON) tests/bench/against_h5py.py
bench-cold: $(FMTBENCH)
	FMTBENCH=$(abspath $(FMTBENCH)) $(PYTHON) tests/bench/cold.py

bench-tune: $(FMTBENCH)
	FMTBENCH=$(abspath $(FMTBENCH)) $(PYTHON) tests/bench/tune.py

# --- the rest -------------------------------------------------------------------------------------

.PHONY: install uninstall format clean docs
install: $(FMTBENCH) $(DIRECT) $(PRELOAD)
	install -D $(FMTBENCH) $(DESTDIR)$(PREFIX)/bin/fmtbench
	install -D -m 644 formats/direct/hdf5_direct.h $(DESTDIR)$(PREFIX)/include/hdf5_direct.h
	install -D -m 644 $(DIRECT) $(DESTDIR)$(PREFIX)/lib/libhdf5_direct.a
	install -D -m 644 $(PRELOAD) $(DESTDIR)$(PREFIX)/lib/libfmtbench-inflate.so
	install -d $(DESTDIR)$(PREFIX)/share/fmtbench/plots
	install -m 644 plots/*.gp $(DESTDIR)$(PREFIX)/share/fmtbench/plots/
	install -D -m 644 formats/python/worker.py $(DESTDIR)$(PREFIX)/share/fmtbench/formats/python/worker.py
uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/fmtbench $(DESTDIR)$(PREFIX)/include/hdf5_direct.h \
	    $(DESTDIR)$(PREFIX)/lib/libhdf5_direct.a $(DESTDIR)$(PREFIX)/lib/libfmtbench-inflate.so
	rm -rf $(DESTDIR)$(PREFIX)/share/fmtbench

# What stands in the docs but follows from the program's tables.
docs: $(FMTBENCH)
	$(FMTBENCH) schema > results/SCHEMA.md
	$(FMTBENCH) list --markdown > $(B)/tables.md
	sed -i -e '/^<!-- tables/,/^<!-- end of tables/{//!d}' -e '/^<!-- tables/r $(B)/tables.md' README.md

format:
	clang-format -i $(shell git ls-files '*.c' '*.h')

clean:
	rm -rf $(B)

-include $(OBJECTS:.o=.d) $(UNIT_TESTS:.t=.d) $(HELPERS:%=%.d) $(PRELOAD:.so=.d)
