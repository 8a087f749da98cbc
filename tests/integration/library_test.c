/*
 * library_test.c - `make install`, then the README's C example compiled as a stranger
 * would: with pkg-config against the installed files, shared and static.
 *
 * Runs from the top of the tree, as tests/run.sh does; BUILD names the variant's
 * folder.
 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[64];

/* Runs a shell command in which $T is the test's folder; its exit status must be 0. */
static void run(const char *command)
{
    int status = system(command);
    if (status != 0) {
        print_error("%s\n  gave status %d\n", command, status);
        fail();
    }
}

static int install(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/duet-library-XXXXXX");
    char pc[128];
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(pc, sizeof pc, "%s/usr/local/lib/pkgconfig", folder);
    if (setenv("T", folder, 1) != 0 ||
        setenv("PKG_CONFIG_SYSROOT_DIR", folder, 1) != 0 ||
        setenv("PKG_CONFIG_PATH", pc, 1) != 0) {
        return -1;
    }
    return system("env -u MAKEFLAGS -u MAKELEVEL make -s install DESTDIR=$T "
                  "BUILD=${BUILD:-build} >$T/log 2>&1 || { cat $T/log; exit 1; }");
}

static int remove_folder(void **state)
{
    (void)state;
    return system("rm -rf \"$T\"");
}

static void test_the_readme_example_compiles_and_runs(void **state)
{
    (void)state;
    run("awk '/^```c$/ {on=1; next} /^```$/ {on=0} on' README.md >$T/example.c && "
        "test -s $T/example.c");
    run("gcc -std=c11 -Wall -Wextra -Wpedantic -Werror $T/example.c -o "
        "$T/shared "
        "$(pkg-config --cflags --libs duet)");
    run("gcc -std=c11 $T/example.c -o $T/static $(pkg-config --cflags duet) "
        "$T/usr/local/lib/libduet.a $(pkg-config --static --libs duet | "
        "sed 's/-lduet//')");
    run("mkdir $T/pictures && cp tests/golden/model/images/* $T/pictures/ && cd $T && "
        "LD_LIBRARY_PATH=$T/usr/local/lib ./shared pictures 'a red shirt' >shared.out "
        "&& "
        "./static pictures 'a red shirt' >static.out && "
        "test \"$(wc -l <shared.out)\" -eq 5 && cmp shared.out static.out");
}

static void test_only_the_library_s_own_names_are_visible(void **state)
{
    (void)state;
    run("nm -D --defined-only $T/usr/local/lib/libduet.so | awk '$2 != \"A\" { print "
        "$3 }' "
        ">$T/names && grep -q '^duet_open' $T/names && ! grep -qv '^duet_' $T/names");
}

static void test_the_headers_are_good_cplusplus_too(void **state)
{
    (void)state;
    run("printf '#include <db/%s>\n' duet.h duet_encoder.h duet_model.h "
        "duet_snapshot.h duet_pictures.h >$T/header.cpp "
        "&& "
        "g++ -std=c++17 -Wall -Wextra -fsyntax-only -I$T/usr/local/include/duet "
        "$T/header.cpp");
}

static void test_the_header_of_models_stands_alone(void **state)
{
    (void)state;
    run("printf '%s\n' '#include <db/duet_model.h>' 'int main(void) {' "
        "'struct duet_model_list list;' 'enum err result = duet_model_list(&list);' "
        "'duet_model_list_release(&list);' 'return (int)result; }' >$T/models.c && "
        "gcc -std=c11 -Wall -Wextra -Wpedantic -Werror $T/models.c -o $T/models "
        "$(pkg-config --cflags --libs duet) && LD_LIBRARY_PATH=$T/usr/local/lib "
        "$T/models && cp $T/models.c $T/models.cpp && "
        "g++ -std=c++17 -Wall -Wextra -Werror -fsyntax-only $T/models.cpp "
        "$(pkg-config --cflags duet)");
}

static void test_the_installed_program_finds_its_model(void **state)
{
    (void)state;
    run("cd $T && env -u DUET_MODELS $T/usr/local/bin/duet --db none.db model "
        ">model.out && "
        "grep -q \"$T/usr/local/share/duet/models/default\" model.out");
}

/* Without encoding all of them: where it looked is told, and there they are. */
static void test_the_installed_program_finds_its_phrases(void **state)
{
    (void)state;
    run("cd $T && touch x.png && ! env -u DUET_MODELS -u DUET_PHRASES "
        "$T/usr/local/bin/duet describe x.png --lang xx 2>phrases.err && "
        "grep -q \"$T/usr/local/share/duet/phrases\" phrases.err && "
        "for l in en zh; do test -s $T/usr/local/share/duet/phrases/$l.txt || exit 1; "
        "done");
}

/* The snippet at the head of the header, in a program around it. */
static void test_the_header_s_own_example_runs(void **state)
{
    (void)state;
    run("{ printf '#include <db/duet_encoder.h>\n#include <stdio.h>\nint main(void) "
        "{\n'; "
        "sed -n 's/^ \\*     //p' db/duet_encoder.h; echo 'return 0; }'; } "
        ">$T/snippet.c && "
        "gcc -std=c11 -Wall -Wextra -Werror $T/snippet.c -o $T/snippet "
        "$(pkg-config --cflags --libs duet) && set -- tests/golden/model/images/*.jpg "
        "&& "
        "cp \"$1\" $T/dog.jpg && cd $T && LD_LIBRARY_PATH=$T/usr/local/lib ./snippet "
        ">snippet.out && grep -q '^a dog: [0-9]* %$' snippet.out");
}

/* Stands for the others in the builds with sanitizers. */
static void test_a_sanitised_library_is_for_no_plain_program(void **state)
{
    (void)state;
    skip();
}

int main(void)
{
    const char *build = getenv("BUILD");
    if (build != NULL && strcmp(build, "build") != 0) {
        const struct CMUnitTest none[] = {
            cmocka_unit_test(test_a_sanitised_library_is_for_no_plain_program)};
        return cmocka_run_group_tests(none, NULL, NULL);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_readme_example_compiles_and_runs),
        cmocka_unit_test(test_only_the_library_s_own_names_are_visible),
        cmocka_unit_test(test_the_headers_are_good_cplusplus_too),
        cmocka_unit_test(test_the_header_of_models_stands_alone),
        cmocka_unit_test(test_the_installed_program_finds_its_model),
        cmocka_unit_test(test_the_installed_program_finds_its_phrases),
        cmocka_unit_test(test_the_header_s_own_example_runs),
    };
    return cmocka_run_group_tests(tests, install, remove_folder);
}
