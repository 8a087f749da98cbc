/*
 * findings.h - what `verify` and `repair` tell: one line a finding, then the counts.
 */
#ifndef CLI_FINDINGS_H
#define CLI_FINDINGS_H

#include "cli/cli.h"
#include "db/duet_keep.h"

/* A duet_check_options.found; `arg` is the run's struct cli. */
void findings_print(void *arg, const struct duet_finding *finding);

/* The counts, and with `summary` what they mean for people. */
void findings_print_result(const struct cli *cli, const struct duet_check_result *r,
                           const char *summary);

#endif
