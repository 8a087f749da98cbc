# Duet: `make help` lists what can be made; the program is build/duet.
#
# Sources are found by folder; each folder becomes an archive, and what links against it
# gets the archives of the folders below it: base <- encoder, index <- db <- net <- cli.
# Files named *_avx2.c and *_avx512.c are compiled for those instruction sets and chosen
# at run time; all the rest runs on any x86-64.

VERSION  := 0.1.0
PREFIX   ?= /usr/local
DESTDIR  ?=
VARIANT  ?= release
BUILD    ?= $(if $(filter release,$(VARIANT)),build,build/$(VARIANT))
V        ?= 0
T        ?=
F        ?=
TIME     ?= 60
CLANG    ?= $(notdir $(firstword $(wildcard $(addprefix /usr/bin/,clang clang-14 clang-16 clang-19))))
DATA     ?= ../shared/data/eval

CC       ?= gcc
CXX      ?= g++
FOLDERS  := base encoder index db net cli
PACKAGES := lmdb libevent libevent_pthreads libevent_openssl libssl json-c libjpeg libpng libwebp libwebpdemux libheif \
            libavif libexif libutf8proc libxxhash oniguruma libcurl libcrypto openblas

# What the packages ask for; evaluated only when something is compiled.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $(shell pkg-config --libs $(PACKAGES)))$(PKG_LIBS)
FAISS_DIR  = $(eval FAISS_DIR := $(shell FAISS=$(FAISS) tools/deps.sh --faiss-dir))$(FAISS_DIR)
FAISS_LIBS = $(eval FAISS_LIBS := $(shell FAISS=$(FAISS) tools/deps.sh --faiss-libs))$(FAISS_LIBS)

WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wvla -Wundef -Wwrite-strings
C_WARNINGS := $(WARNINGS) -Wstrict-prototypes -Wmissing-prototypes
ifeq ($(DEVELOPER),1)
WARNINGS += -Werror
C_WARNINGS += -Werror
endif

OPT_release := -O2 -g
OPT_debug   := -O0 -g3 -DDUET_DEBUG
OPT_asan    := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
               -fno-sanitize-recover=undefined -DDUET_DEBUG
OPT_tsan    := -O1 -g -fsanitize=thread -DDUET_DEBUG
# By clang, with the omp.h of gcc, which has an attribute that clang does not know.
OPT_fuzz     = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined,fuzzer-no-link \
               -fno-sanitize-recover=undefined -fno-sanitize=vptr -DLIMIT_IMAGE_PIXELS=1000000u \
               -idirafter $(shell mkdir -p build/fuzz/include; echo build/fuzz/include; \
                 ln -sf $$(gcc -print-file-name=include/omp.h) build/fuzz/include) \
               '-D__malloc__(x)=__malloc__'
OPT         := $(OPT_$(VARIANT))
FUZZING     := $(filter fuzz,$(VARIANT))

CPPFLAGS += -I. -D_GNU_SOURCE -DDUET_VERSION='"$(VERSION)"'
CFLAGS   ?=
CXXFLAGS ?=
ALL_CFLAGS   = -std=c11 $(OPT) -fPIC -fvisibility=hidden -pthread $(C_WARNINGS) \
               $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS)
ALL_CXXFLAGS = -std=c++17 $(OPT) -fPIC -fvisibility=hidden -pthread $(WARNINGS) $(CPPFLAGS) -isystem $(FAISS_DIR)/include $(CXXFLAGS)
LINK_LIBS    = $(FAISS_LIBS) $(PKG_LIBS) -lstdc++ -lm -pthread $(if $(FUZZING),-lgomp,-fopenmp)

# -Wconversion everywhere but in the encoder, where floats and indices mix on every line.
CONVERSION = $(if $(filter encoder tests,$(1)),,-Wconversion -Wno-sign-conversion)

include_isa = $(if $(filter %_avx512.c,$(1)),-mavx512f -mavx512bw -mavx512vl -mavx512dq \
              -mavx2 -mfma -mf16c,$(if $(filter %_avx2.c,$(1)),-mavx2 -mfma -mf16c))

# FAISS's C API is for index/ alone.
faiss_headers = $(if $(filter index/%,$(1)),-isystem $(FAISS_DIR)/include)

# Flags of single files. stb_image declares the decoders that are left out.
OPT_FILE_image_stb := -Wno-unused-function
# Matrix kernels are not what is fuzzed, and clang takes minutes to instrument them.
OPT_FILE_kernels_avx2   = $(if $(FUZZING),-fno-sanitize=all)
OPT_FILE_kernels_avx512 = $(OPT_FILE_kernels_avx2)

# quiet,WORD,FILE: what a line of the build says unless V=1.
Q = $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' '$(1)' '$(2)')

SOURCES := $(foreach f,$(FOLDERS),$(wildcard $(f)/*.c $(f)/*.cpp))
objects_of = $(patsubst %,$(BUILD)/obj/%.o,$(basename $(wildcard $(1)/*.c $(1)/*.cpp)))
archive = $(BUILD)/lib/lib$(1).a

# Whom each folder may use, nearest first: the order of linking.
BELOW_base    := base
BELOW_encoder := encoder base
BELOW_index   := index base
BELOW_db      := db index encoder base
BELOW_net     := net db index encoder base
BELOW_integration := net db index encoder base
BELOW_slow    := encoder base
BELOW_bench   := net db index encoder base
BELOW_fuzz    := net db index encoder base
archives_below = $(foreach f,$(BELOW_$(1)),$(call archive,$(f)))

TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(filter-out tests/slow/%,$(wildcard tests/*/*_test.c)))
SLOW_TESTS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/slow/*_test.c))
BENCHES := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/bench/bench_*.c))
FUZZERS := $(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/fuzz/fuzz_*.c))

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all help deps demo test test-run test-unit test-page clients crash hostile slow asan tsan debug eval recall recall-data \
        recall-filtered bench bench-commit bench-filter bench-server bench-million bench-growth bench-search fuzz \
        format format-check checksrc lint sizes doctor lib install uninstall clean

all: $(BUILD)/duet lib ## build the program and the library
	@echo "  built $(BUILD)/duet; 'make demo' shows it at work, 'make test' checks it"

help: ## this list
	@echo "Usage: make [TARGET] [V=1] [DEVELOPER=1] [PREFIX=/usr/local]"
	@echo "       for example: make demo DIR=~/Pictures"
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | \
	  awk -F'|' '{ printf "%-16s %s\n", $$1, $$2 }'

deps: ## install what is missing: Debian packages, and FAISS built once and cached
	@tools/deps.sh

doctor: ## print compiler, libraries, BLAS flavour and CPU features
	@tools/doctor.sh

demo: ## all the set-up, then a picture library searched in words (DIR=~/Pictures)
	@tools/deps.sh $(if $(DIR),,--demo)
	@$(MAKE) --no-print-directory $(BUILD)/duet
	@tools/demo.sh $(BUILD)/duet $(DIR)

test: ## all the set-up, then all tests (under 10 minutes)
	@tools/deps.sh
	@$(MAKE) --no-print-directory test-run

test-run: $(BUILD)/duet lib $(TESTS) $(FUZZERS)
	@BUILD=$(BUILD) DUET_MODELS=$(CURDIR)/encoder/models tests/run.sh $(TESTS) $(FUZZERS)

test-unit: $(BUILD)/duet ## one test program: make test-unit T=scan
	@test -n "$(filter %/$(T)_test,$(TESTS))" || { echo "say which: make test-unit T=scan"; exit 2; }
	@$(MAKE) --no-print-directory $(filter %/$(T)_test,$(TESTS))
	@BUILD=$(BUILD) DUET_MODELS=$(CURDIR)/encoder/models \
	  tests/run.sh $(filter %/$(T)_test,$(TESTS))

slow: $(SLOW_TESTS) ## tests on models of full size (some minutes, 3 GB in $TMPDIR)
	@BUILD=$(BUILD) TEST_TIMEOUT=3000 tests/run.sh $(SLOW_TESTS)

crash: ## the crash tests in their long form: 1000 kills, 2000 power cuts
	@CRASH_ROUNDS=1000 POWER_ROUNDS=2000 TEST_TIMEOUT=3000 $(MAKE) --no-print-directory test-unit T=crash
	@CRASH_ROUNDS=1000 POWER_ROUNDS=2000 TEST_TIMEOUT=3000 $(MAKE) --no-print-directory test-unit T=power
	@CRASH_ROUNDS=300 TEST_TIMEOUT=3000 $(MAKE) --no-print-directory test-unit T=crash_threads
	@$(MAKE) --no-print-directory test-unit T=crash_points

test-page: $(BUILD)/duet ## the page in a browser (needs chromium, and npm for two test packages)
	@mkdir -p $(BUILD)/page && cp tests/page/* $(BUILD)/page/
	@npm install --prefix $(BUILD)/page --no-package-lock --no-audit --no-fund --silent
	@DUET=$(CURDIR)/$(BUILD)/duet node --test $(BUILD)/page/page_test.mjs

hostile: ## N=10000 requests that mean harm, at a server under AddressSanitizer
	@HOSTILE_N=$(or $(N),10000) TEST_TIMEOUT=3000 $(MAKE) --no-print-directory VARIANT=asan test-unit T=hostile

clients: $(BUILD)/duet ## clients of other makers against a server (needs a network, python3-venv, npm)
	@BUILD=$(BUILD) DUET_MODELS=$(CURDIR)/encoder/models tests/clients/run.sh

debug: ## build without optimisation, into build/debug
	@$(MAKE) --no-print-directory VARIANT=debug all

asan: ## all tests under AddressSanitizer and UBSan, in build/asan
	@$(MAKE) --no-print-directory VARIANT=asan test-run

tsan: ## all tests under ThreadSanitizer, in build/tsan
	@$(MAKE) --no-print-directory VARIANT=tsan test-run

# Objects, archives, programs.

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CFLAGS) $(call CONVERSION,$(firstword $(subst /, ,$<))) \
	  $(call include_isa,$<) $(call faiss_headers,$<) $(OPT_FILE_$(basename $(notdir $<))) -MMD -MP -c -o $@ $<

# Where an installed library looks for models and phrases is all that PREFIX compiles in.
OPT_FILE_model_path = -DDUET_MODELS_DIR='"$(PREFIX)/share/duet/models"'
OPT_FILE_phrases_path = -DDUET_PHRASES_DIR='"$(PREFIX)/share/duet/phrases"'
$(BUILD)/obj/encoder/model_path.o $(BUILD)/obj/db/phrases_path.o: $(BUILD)/prefix
.PHONY: force
$(BUILD)/prefix: force
	@mkdir -p $(@D)
	@echo '$(PREFIX)' | cmp -s - $@ || echo '$(PREFIX)' > $@

$(BUILD)/obj/%.o: %.cpp
	@mkdir -p $(@D)
	$(call say,CXX,$<)
	$(Q)$(CXX) $(ALL_CXXFLAGS) -MMD -MP -c -o $@ $<

define archive_rule
$(call archive,$(1)): $(call objects_of,$(1))
	@mkdir -p $$(@D)
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
endef
$(foreach f,base encoder index db net,$(eval $(call archive_rule,$(f))))

# A fuzzer replays its corpus as a test, or, built by `make fuzz`, goes looking for more.
DRIVER_fuzz := $(if $(FUZZING),,$(BUILD)/obj/tests/fuzz/regression_driver.o)
MAIN_fuzz   := $(if $(FUZZING),-fsanitize=fuzzer)
# What the programs of tests/bench share.
DRIVER_bench := $(patsubst %,$(BUILD)/obj/tests/bench/%.o,rig questions semi_real made encoded)

define test_rule
$(BUILD)/tests/$(1)/%: $(BUILD)/obj/tests/$(1)/%.o $(DRIVER_$(1)) $(call archives_below,$(1))
	@mkdir -p $$(@D)
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(OPT) $$(LDFLAGS) $$(MAIN_$(1)) -o $$@ $$^ -lcmocka \
	  $$(if $$(filter $(1),base encoder),$$(PKG_LIBS) -lm -pthread,$$(LINK_LIBS))
endef
$(foreach f,base encoder slow index db net integration bench fuzz,$(eval $(call test_rule,$(f))))

# The web page is embedded by the assembler (net/page.c), so its files are prerequisites.
$(BUILD)/obj/net/page.o: $(wildcard net/page/*)
$(BUILD)/obj/net/openapi.o: net/openapi.json

$(BUILD)/duet: $(call objects_of,cli) $(call archives_below,net)
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(OPT) $(LDFLAGS) -o $@ $^ -lcsv $(LINK_LIBS)

# The library: everything but net and cli, FAISS inside, only duet_* visible.
LIBRARY_OBJECTS = $(foreach f,base encoder index db,$(call objects_of,$(f)))

lib: $(BUILD)/lib/libduet.a $(BUILD)/lib/libduet.so $(BUILD)/lib/duet.pc

$(BUILD)/lib/libduet.a: $(LIBRARY_OBJECTS)
	@mkdir -p $(@D)
	$(call say,AR,$@)
	$(Q)rm -f $@ && { echo create $@; printf 'addmod %s\n' $^; \
	  $(foreach a,$(filter %.a,$(FAISS_LIBS)),echo addlib $(a);) echo save; echo end; } | ar -M

$(BUILD)/lib/libduet.so: $(LIBRARY_OBJECTS) db/libduet.map
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) $(OPT) -shared -Wl,-soname,libduet.so.0 -Wl,-z,defs \
	  -Wl,--version-script=db/libduet.map $(LDFLAGS) -o $@ $(LIBRARY_OBJECTS) $(LINK_LIBS)

# Made anew each time: PREFIX may be another than last time.
.PHONY: $(BUILD)/lib/duet.pc
$(BUILD)/lib/duet.pc: db/duet.pc.in
	@mkdir -p $(@D)
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|' \
	  -e 's|@PRIVATE_LIBS@|$(filter-out %.a,$(LINK_LIBS))|' $< > $@

install: all ## install program, library, header, model, service (PREFIX=, DESTDIR=)
	install -D -m 755 $(BUILD)/duet $(DESTDIR)$(PREFIX)/bin/duet
	install -D -m 644 $(BUILD)/lib/libduet.a $(DESTDIR)$(PREFIX)/lib/libduet.a
	install -D -m 755 $(BUILD)/lib/libduet.so $(DESTDIR)$(PREFIX)/lib/libduet.so.0
	ln -sf libduet.so.0 $(DESTDIR)$(PREFIX)/lib/libduet.so
	install -D -m 644 $(BUILD)/lib/duet.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig/duet.pc
	install -D -m 644 db/duet.h $(DESTDIR)$(PREFIX)/include/duet/db/duet.h
	install -D -m 644 db/duet_encoder.h $(DESTDIR)$(PREFIX)/include/duet/db/duet_encoder.h
	install -D -m 644 db/duet_eval.h $(DESTDIR)$(PREFIX)/include/duet/db/duet_eval.h
	install -D -m 644 db/duet_model.h $(DESTDIR)$(PREFIX)/include/duet/db/duet_model.h
	install -D -m 644 db/duet_keep.h $(DESTDIR)$(PREFIX)/include/duet/db/duet_keep.h
	install -D -m 644 db/duet_snapshot.h $(DESTDIR)$(PREFIX)/include/duet/db/duet_snapshot.h
	install -D -m 644 db/duet_pictures.h $(DESTDIR)$(PREFIX)/include/duet/db/duet_pictures.h
	install -D -m 644 base/errcode.h $(DESTDIR)$(PREFIX)/include/duet/base/errcode.h
	install -d $(DESTDIR)$(PREFIX)/share/duet/models/default
	install -m 644 encoder/models/default/* $(DESTDIR)$(PREFIX)/share/duet/models/default
	install -d $(DESTDIR)$(PREFIX)/share/duet/phrases
	install -m 644 db/phrases/*.txt $(DESTDIR)$(PREFIX)/share/duet/phrases
	install -d $(DESTDIR)$(PREFIX)/share/doc/duet
	install -m 644 LICENSE NOTICE docs/HTTP.md packaging/duet.conf $(DESTDIR)$(PREFIX)/share/doc/duet
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system
	sed 's|@PREFIX@|$(PREFIX)|' packaging/duet.service > $(DESTDIR)$(PREFIX)/lib/systemd/system/duet.service

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(PREFIX)/bin/duet $(DESTDIR)$(PREFIX)/lib/libduet.* \
	  $(DESTDIR)$(PREFIX)/lib/pkgconfig/duet.pc $(DESTDIR)$(PREFIX)/lib/systemd/system/duet.service
	rm -rf $(DESTDIR)$(PREFIX)/include/duet $(DESTDIR)$(PREFIX)/share/duet \
	  $(DESTDIR)$(PREFIX)/share/doc/duet

# Measuring. WORK has room for what the larger ones make (4 GB at a million points).
WORK ?= /var/tmp/duet-bench
REAL := $(or $(OUT),$(WORK)/real)

eval: $(BUILD)/duet $(BUILD)/tests/bench/eval ## recall of the model (DATA=folder of eval pictures)
	@if [ -f "$(DATA)/manifest.jsonl" ]; then \
	  DUET_MODELS=$(CURDIR)/encoder/models $(BUILD)/tests/bench/eval $(DATA) $(MODEL); \
	else echo "make eval: skipped, no pictures at $(DATA) (say DATA=FOLDER)"; fi

bench-commit: $(BUILD)/tests/bench/bench_commit ## durable writes by 1 to 64 threads
	@BUILD=$(BUILD) tests/bench/run.sh $(BUILD)/tests/bench/bench_commit

recall: $(BUILD)/tests/bench/recall ## what the index finds of the exact ten (DB=FOLDER QUERIES=FILE, a text a line)
	@test -n "$(DB)" -a -n "$(QUERIES)" || { echo "say which: make recall DB=photos.db QUERIES=texts.txt"; exit 2; }
	@DUET_MODELS=$(CURDIR)/encoder/models $(BUILD)/tests/bench/recall $(DB) $(QUERIES) $(or $(K),10) $(SEAL_AT)

recall-data: $(BUILD)/duet ## a database of real pictures to measure on (DATA=, EMOJI=, OUT=); docs/SPEED.md tells where from
	@test -n "$(DATA)" || { echo "say which: make recall-data DATA=FOLDER [EMOJI=FOLDER] [OUT=FOLDER]"; exit 2; }
	@python3 tests/bench/real_pictures.py $(REAL) $(DATA) $(EMOJI)
	@DUET_MODELS=$(CURDIR)/encoder/models $(BUILD)/duet --db $(REAL)/real.db add --jsonl $(REAL)/pictures.jsonl

recall-filtered: $(BUILD)/tests/bench/recall_filtered ## the same under filters: with the query, against it, and apart from it
	@test -n "$(DB)" -a -n "$(QUERIES)" || { echo "say which: make recall-filtered DB=photos.db QUERIES=texts.txt"; exit 2; }
	@DUET_MODELS=$(CURDIR)/encoder/models $(BUILD)/tests/bench/recall_filtered $(DB) $(QUERIES) $(N)

bench: $(BUILD)/duet $(BENCHES) ## speed, as medians; docs/SPEED.md explains the numbers
	@BUILD=$(BUILD) DUET_MODELS=$(CURDIR)/encoder/models tests/bench/run.sh $(BENCHES)

bench-server: $(BUILD)/tests/bench/bench_server ## what HTTP costs, beside the library (POINTS=20000 SECONDS=10 CONNECTIONS=32)
	@BUILD=$(BUILD) DUET_MODELS=$(CURDIR)/encoder/models $(BUILD)/tests/bench/bench_server \
	  $(or $(POINTS),20000) $(or $(SECONDS),10) $(or $(CONNECTIONS),32)

bench-million: $(BUILD)/tests/bench/bench_million ## the life of a large collection, and ten rounds of churn (N=, DIM=, N_CHURN=, WORK=)
	@mkdir -p $(WORK)
	@tests/bench/run.sh '$(BUILD)/tests/bench/bench_million $(WORK) $(or $(N),1000000) $(or $(DIM),512) $(or $(N_CHURN),100000)'

bench-growth: $(BUILD)/tests/bench/bench_growth ## cost at 10k, 100k and 1M points, as a table and docs/growth.svg (SIZES=, DIM=, WORK=)
	@mkdir -p $(WORK)
	@tests/bench/run.sh '$(BUILD)/tests/bench/bench_growth $(WORK) $(BUILD)/growth.tsv $(or $(DIM),512) $(or $(SIZES),10000 100000 1000000)'
	@python3 tests/bench/plot_growth.py $(BUILD)/growth.tsv docs/growth.svg

bench-search: $(BUILD)/tests/bench/search_duet ## beside FAISS HNSW, usearch and hnswlib at equal recall (DB=, QUERIES=; Python packages go to WORK)
	@test -n "$(DB)" -a -n "$(QUERIES)" || { echo "say which: make bench-search DB=photos.db QUERIES=texts.txt"; exit 2; }
	@test -x $(WORK)/peers/bin/python || python3 -m venv $(WORK)/peers
	@$(WORK)/peers/bin/pip install -q -r tests/bench/search_peers.txt
	@DUET_MODELS=$(CURDIR)/encoder/models tests/bench/run.sh \
	  '$(WORK)/peers/bin/python tests/bench/search_peers.py $(BUILD)/tests/bench/search_duet $(DB) $(QUERIES)'

bench-filter: $(BUILD)/tests/bench/bench_filter ## what filters cost, with indexes and without
	@tests/bench/run.sh $(BUILD)/tests/bench/bench_filter

fuzz: ## look for crashes in a parser: make fuzz F=image TIME=60 (needs clang)
	@test -n "$(F)" || { echo "say which: make fuzz F=image TIME=60"; exit 2; }
	@test -n "$(CLANG)" || { echo "make fuzz needs clang: apt-get install clang libclang-rt-14-dev"; exit 2; }
	@$(MAKE) --no-print-directory VARIANT=fuzz CC=$(CLANG) CXX=$(subst clang,clang++,$(CLANG)) \
	  build/fuzz/tests/fuzz/fuzz_$(F)
	@mkdir -p build/fuzz/corpus/$(F)
	build/fuzz/tests/fuzz/fuzz_$(F) -max_total_time=$(TIME) -timeout=20 -rss_limit_mb=4096 \
	  -artifact_prefix=build/fuzz/ build/fuzz/corpus/$(F) tests/fuzz/corpus/$(F)

# Habits.

C_FILES = $(shell git ls-files '*.c' '*.h' '*.cpp' ':!encoder/training')

format: ## rewrite the sources in the one format (clang-format 14)
	clang-format -i $(C_FILES)

format-check: ## fail where the format differs
	clang-format --dry-run -Werror $(C_FILES)

checksrc: ## banned functions, and who may include whom
	@tools/checksrc.sh

lint: checksrc ## shellcheck, cppcheck (tools/deps.sh --lint installs them)
	shellcheck $(shell git ls-files '*.sh') .ci/run
	cppcheck --quiet --std=c11 --inline-suppr --error-exitcode=1 \
	  --enable=warning,portability --suppress=missingIncludeSystem \
	  --suppress=normalCheckLevelMaxBranches -I. $(FOLDERS)

sizes: ## the longest functions, and the files over 800 lines
	@pmccabe $(shell git ls-files $(addsuffix /*.c,$(FOLDERS))) | \
	  awk '{ print $$5, $$7, $$8, $$9 }' | sort -rn | head -20
	@wc -l $(C_FILES) | awk '$$1 > 800 && $$2 != "total" { print "long file:", $$2, $$1 }'

clean: ## remove build/
	rm -rf build

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
