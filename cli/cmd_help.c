/*
 * cmd_help.c - `duet help`, and the screens of help.h.
 */
#include "cli/help.h"

#include <string.h>

#include "cli/options.h"

enum { SPELLING_MAX = 40, COLUMN_MIN = 20 };

static int spell(const struct cli_option *option, char spelling[SPELLING_MAX])
{
    return snprintf(spelling, SPELLING_MAX, "--%s%s%s", option->name,
                    option->argument != NULL ? " " : "",
                    option->argument != NULL ? option->argument : "");
}

static void print_options(FILE *out, const struct cli_option *options)
{
    char spelling[SPELLING_MAX];
    int column = COLUMN_MIN;
    for (const struct cli_option *option = options; option->name != NULL; option++) {
        int width = spell(option, spelling);
        column = width > column ? width : column;
    }
    for (const struct cli_option *option = options; option->name != NULL; option++) {
        char letter[5] = "    ";
        if (option->letter != 0) {
            snprintf(letter, sizeof letter, "-%c, ", option->letter);
        }
        spell(option, spelling);
        fprintf(out, "  %s%-*s  %s\n", letter, column, spelling, option->help);
    }
}

void help_print_all(FILE *out)
{
    fputs("duet - search pictures and texts by what they show and say\n"
          "\n"
          "  duet add ~/Pictures           take a folder of pictures in\n"
          "  duet search \"a dog running\"   find pictures by words\n"
          "  duet search --image dog.jpg   find pictures by a picture\n"
          "\n"
          "Usage: duet [OPTION...] COMMAND [ARGUMENT...]\n"
          "\n"
          "Commands ('duet help COMMAND' tells more):\n",
          out);
    for (size_t i = 0; cli_commands[i] != NULL; i++) {
        fprintf(out, "  %-9s %s\n", cli_commands[i]->name, cli_commands[i]->summary);
    }
    fputs("\nOptions of every command:\n", out);
    print_options(out, options_global);
    fputs("\n'duet help exit-codes' lists what the exit status says.\n", out);
}

static void print_exit_codes(void)
{
    enum exit_code code;
    for (unsigned i = 0; exit_code_meaning(i, &code) != NULL; i++) {
        printf("%3d  %s\n", (int)code, exit_code_meaning(i, &code));
    }
}

void help_print_command(const struct cli_command *command)
{
    printf("duet %s - %s\n\nUsage: duet %s", command->name, command->summary,
           command->name);
    printf("%s%s\n\n%s", command->arguments[0] != '\0' ? " " : "", command->arguments,
           command->about);
    if (command->options != NULL) {
        fputs("\nOptions:\n", stdout);
        print_options(stdout, command->options);
    }
    fputs("\nOptions of every command:\n", stdout);
    print_options(stdout, options_global);
    printf("\nExample%s:\n%s", strchr(command->example, '\n')[1] != '\0' ? "s" : "",
           command->example);
}

static enum exit_code run(const struct cli *cli)
{
    if (cli->n_args == 0) {
        help_print_all(stdout);
        return EXIT_DONE;
    }
    if (strcmp(cli->args[0], "exit-codes") == 0) {
        print_exit_codes();
        return EXIT_DONE;
    }
    const struct cli_command *command = cli_command_find(cli->args[0]);
    if (command == NULL) {
        return EXIT_USAGE;
    }
    help_print_command(command);
    return EXIT_DONE;
}

const struct cli_command cmd_help = {
    .name = "help",
    .arguments = "[COMMAND | exit-codes]",
    .summary = "tell how to use a command",
    .about = "Prints the screen of a command; without one the list of all commands\n"
             "and the options that they share; or the table of exit codes.\n",
    .example = "  duet help search\n",
    .max_args = 1,
    .run = run,
};
