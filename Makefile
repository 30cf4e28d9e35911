# The build of Reaktor-DB. `make help` lists what can be made; HACKING.md explains the file conventions.
#
# Adding a file needs no change here: sources are found by name.
#     src/**/NAME.c            the library build/FLAVOUR/libreaktor.a (src/main/*.c: the program reaktor)
#     src/**/NAME_test.c       one cmocka program, also test/NAME_test.c
#     src/**/NAME_fuzz.c       one libFuzzer target
#     src/**/NAME_testing.c    support for tests, never in the library, also test/NAME_testing.c
#     src/**/NAME_bench.c      one benchmark program, also bench/NAME_bench.c
#     tools/NAME.c             a generator, built to build/release/tools/NAME
#
# Flavours:
#     build/release   gcc, optimised, assertions on
#     build/whole     gcc, optimised as a whole (LTO): the program only, because linking takes its time
#     build/san       clang with the address and undefined behaviour sanitizers: tests, and short fuzz runs
#     build/fuzz      the same, telling the fuzzer about every comparison, which makes it slow: long fuzz runs
#     build/wasm      clang for WebAssembly: src/base and src/core only, to show that they need nothing else

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
MAKEFLAGS += --no-builtin-rules --no-print-directory
JOBS ?= $(shell nproc 2>/dev/null || echo 1)
# What runs in front of somebody is shown as it comes, and has the terminal.
LIVE := $(filter run tour bench,$(MAKECMDGOALS))
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS) $(if $(LIVE),,--output-sync=target)
endif

# --- what there is to build ---------------------------------------------------------------------------------------

FOUND   := $(shell find src test bench tools -name '*.c' 2>/dev/null | LC_ALL=C sort)
SUPPORT := %_test.c %_fuzz.c %_testing.c %_bench.c
LIBRARY := $(filter-out src/main/% $(SUPPORT),$(filter src/%,$(FOUND)))
MAIN    := $(filter-out $(SUPPORT),$(filter src/main/%,$(FOUND)))
TESTING := $(filter %_testing.c,$(FOUND))
TESTS   := $(filter %_test.c,$(FOUND))
FUZZES  := $(filter %_fuzz.c,$(FOUND))
BENCHES := $(filter %_bench.c,$(FOUND))
TOOLS   := $(filter tools/%,$(FOUND))
CORE    := $(filter src/base/% src/core/%,$(LIBRARY))

SAN_TESTS     := $(TESTS:%.c=build/san/%)
SAN_FUZZES    := $(FUZZES:%.c=build/san/%)
LONG_FUZZES   := $(FUZZES:%.c=build/fuzz/%)
BENCH_RUNS    := $(BENCHES:%.c=build/release/%)
TOOL_PROGRAMS := $(TOOLS:%.c=build/release/%)
PROGRAM       := $(if $(MAIN),build/reaktor)
SAN_PROGRAM   := $(if $(MAIN),build/san/reaktor)

# --- how ----------------------------------------------------------------------------------------------------------

CC_release := gcc
CC_whole   := gcc
CC_san     := clang-14
CC_fuzz    := clang-14
CC_wasm    := clang-14 --target=wasm32-wasi

SANITIZE      := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS         := -Isrc -Iinclude -Wall -Wextra -Wconversion -Werror -MMD -MP
FLAGS_release := -O2 -g
FLAGS_whole   := -O3 -g -flto=auto
FLAGS_san     := -O1 -g $(SANITIZE) -fsanitize-coverage=inline-8bit-counters,pc-table
FLAGS_fuzz    := -O1 -g $(SANITIZE) -fsanitize=fuzzer-no-link
FLAGS_wasm    := -O1

# Core, base and engine are plain C11; whatever touches the system, and every test, may use what GNU libc offers.
PLAIN   := src/base/% src/core/% src/engine/%
dialect  = -std=c11 $(if $(filter-out $(SUPPORT),$(filter $(PLAIN),$(1))),,-D_GNU_SOURCE)
compile  = @mkdir -p $(@D) && $(CC_$(1)) $(call dialect,$<) $(FLAGS) $(FLAGS_$(1)) $(PACKAGE_FLAGS) -c -o $@ $<

# Asked once, and only when the first recipe needs it: `make deps` may have to install pkg-config first.
PACKAGES      := libsodium nettle sqlite3 jansson zlib libmicrohttpd gnutls
PACKAGE_FLAGS  = $(eval PACKAGE_FLAGS := $$(shell pkg-config --cflags $(PACKAGES) cmocka))$(PACKAGE_FLAGS)
PACKAGE_LIBS   = $(eval PACKAGE_LIBS := $$(shell pkg-config --libs $(PACKAGES)) -lm -lpthread)$(PACKAGE_LIBS)
TEST_LIBS      = $(eval TEST_LIBS := $$(shell pkg-config --libs cmocka))$(TEST_LIBS)

# --- targets for people -------------------------------------------------------------------------------------------

.PHONY: all deps programs run tour test tidy bench fuzz mutants kill serve-kill traces coin generate format clean help

all: deps $(PROGRAM) ## build build/reaktor, after installing what is missing (the default)

deps: ## install the Debian packages that are missing; DEPS=build: those of the program alone
	@sh tools/deps.sh $(DEPS)

programs: $(PROGRAM) $(SAN_PROGRAM) $(SAN_TESTS) $(SAN_FUZZES) $(BENCH_RUNS) $(TOOL_PROGRAMS)

run: all ## serve a demonstration on PORT (4200) until Ctrl-C, filled on the first run; FRESH=1 begins anew
	@sh examples/run.sh

tour: all ## a guided run on a temporary database: two people edit one document apart, and agree
	@sh examples/tour.sh

test: programs build/release/libreaktor.a ## build and run every test, short fuzz runs, mutants and tidy
	@sh tools/test.sh

tidy: deps $(PROGRAM) $(TOOL_PROGRAMS) build/release/libreaktor.a ## check dependencies, names, bans and layout
	@sh tools/tidy.sh

bench: $(BENCH_RUNS) ## run every benchmark, one after another, after installing what it measures beside
	@sh tools/deps.sh bench
	@for program in $(BENCH_RUNS); do echo "== $${program#build/release/}"; $$program || exit 1; done

fuzz: $(LONG_FUZZES) ## run every fuzz target for FUZZ_SECONDS (60) seconds
	@sh tools/fuzz.sh $(LONG_FUZZES)

mutants: build/release/libreaktor.a build/release/libtesting.a ## break the sources of tools/mutants.txt, expect red tests
	@sh tools/mutants.sh

kill: deps build/release/test/kill_test ## kill -9 in a loop of KILLS (200), looking for lost and doubled writes
	@KILLS=$(or $(KILLS),200) build/release/test/kill_test

serve-kill: deps $(PROGRAM) build/release/test/serve_kill_test ## kill -9 and stop a loaded server, ROUNDS (50) times
	@REAKTOR=$(PROGRAM) ROUNDS=$(or $(ROUNDS),50) build/release/test/serve_kill_test

coin: deps build/release/test/coin_test ## 100,000 random operations on a coin by 20 actors on 3 devices
	@OPERATIONS=$(or $(OPERATIONS),100000) build/release/test/coin_test

traces: deps build/release/test/trace_test ## play every trace of ../shared/data, reading versions of the largest too
	@TRACES=all build/release/test/trace_test

generate: deps $(TOOL_PROGRAMS) ## write the generated files again
	@sh tools/generate.sh

format: deps ## lay out every C file by .clang-format
	@find src include test bench tools -name '*.[ch]' 2>/dev/null | xargs -r clang-format-14 -i

clean: ## remove build/
	rm -rf build

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

# --- rules --------------------------------------------------------------------------------------------------------

build/release/%.o: %.c Makefile | deps
	$(call compile,release)

build/whole/%.o: %.c Makefile | deps
	$(call compile,whole)

build/san/%.o: %.c Makefile | deps
	$(call compile,san)

build/fuzz/%.o: %.c Makefile | deps
	$(call compile,fuzz)

build/wasm/%.o: %.c Makefile | deps
	$(call compile,wasm)

# An archive is made anew, so that a removed source leaves nothing behind; the list of members is a prerequisite.
define library
build/$(1)/lib$(2).a: $(3:%.c=build/$(1)/%.o) build/$(1)/lib$(2).list
	@rm -f $$@ && ar rcsD $$@ $$(filter %.o,$$^)
build/$(1)/lib$(2).list: FORCE
	@mkdir -p $$(@D) && echo '$(3)' | cmp -s - $$@ || echo '$(3)' > $$@
endef
$(foreach flavour,release san fuzz,$(eval $(call library,$(flavour),reaktor,$(LIBRARY))))
$(foreach flavour,release san fuzz,$(eval $(call library,$(flavour),testing,$(TESTING))))

.PHONY: FORCE
FORCE: | deps

build/reaktor: $(MAIN:%.c=build/whole/%.o) $(LIBRARY:%.c=build/whole/%.o) build/release/libreaktor.list
	@$(CC_whole) $(FLAGS_whole) -o $@ $(filter %.o,$^) $(PACKAGE_LIBS)

build/san/reaktor: $(MAIN:%.c=build/san/%.o) build/san/libreaktor.a
	@$(CC_san) $(SANITIZE) -o $@ $^ $(PACKAGE_LIBS)

# The library stands twice: support may call it, and it never calls support.
define program
build/$(1)/%_$(2): build/$(1)/%_$(2).o build/$(1)/libtesting.a build/$(1)/libreaktor.a
	@$$(CC_$(1)) $(3) -o $$@ $$^ $$(PACKAGE_LIBS) $$(TEST_LIBS)
endef
$(eval $(call program,release,test,))
$(eval $(call program,release,bench,))
$(eval $(call program,san,test,$(SANITIZE)))
$(eval $(call program,san,fuzz,$(SANITIZE) -fsanitize=fuzzer))
$(eval $(call program,fuzz,fuzz,$(SANITIZE) -fsanitize=fuzzer))

# A generator may use the library: what it writes is committed, so the library never waits for it.
build/release/tools/%: build/release/tools/%.o build/release/libreaktor.a
	@$(CC_release) -o $@ $^ $(PACKAGE_LIBS)

# Base and core alone, linked with nothing but a bare libc and what tools/wasm-host.txt says the host provides: a symbol
# that is missing here is a dependency too many.
build/wasm/core.wasm: $(CORE:%.c=build/wasm/%.o) tools/wasm-host.txt
	@mkdir -p $(@D) && $(CC_wasm) -nostartfiles -Wl,--no-entry -Wl,--export-all \
		-Wl,--allow-undefined-file=tools/wasm-host.txt -o $@ $(filter %.o,$^)

-include $(foreach flavour,release whole san fuzz wasm,$(wildcard $(FOUND:%.c=build/$(flavour)/%.d)))
