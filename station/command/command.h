/* command: one table of what `imprint` can do. A row says how a command is called, what it takes
 * and which function runs it, or which other program (imprint-ca, imprint-ledger, …) does it.
 *	imprint [--dir D] COMMAND [OPTION…] [ARGUMENT…]
 * Results go to stdout, with --json one object a line; mistakes to stderr as one sentence.
 * Threads: one. Layer above: imprint_main. Below: view, print, control, hsm/api. */
#ifndef STATION_COMMAND_COMMAND_H
#define STATION_COMMAND_COMMAND_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

#define COMMAND_ARGUMENTS_MAX 128

enum exit_code { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_ALARM = 3 };

struct options {
	bool json, until_done, csv, cloud, with_units;
	bool has_timeout, has_limit, has_quantity;
	uint64_t limit, quantity;
	int64_t timeout_ms;
	const char *nest, *outcome, *reason, *since, *product, *units, *until, *certificate_id,
		*operator, * unit, *person, *role, *badge, *shift, *acknowledge, *profile, *region,
		*endpoint_url, *bundle; /* NULL if not given */
	const char *arguments[COMMAND_ARGUMENTS_MAX];
	int count;
};

typedef int command_function(const struct options *options);

struct command {
	const char *name;      /* one word or two */
	const char *arguments; /* for help: "[NEST…]" */
	const char *help;
	int min, max;	  /* arguments */
	const char *keys; /* options that it takes: letters of the table in arguments.c */
	command_function *run;
	const char *program; /* or the program that does it, */
	const char *word;    /* with this word in place of the name; or NULL */
};

/* Runs what argv says. Returns the exit code. */
int command_main(int argc, char **argv);

/* Reads options and arguments of one command. Prints help or a mistake and ends the process where
 * there is nothing to run. */
void arguments_read(const struct command *command, int argc, char **argv,
		    struct options *ret_options);

/* Says it on stderr, with the remedy where there is one; returns the exit code. */
int command_fail(const struct err *e);

/* The arguments as a list of nests for a request. */
MUST_CHECK bool command_join_names(const struct options *options, char *ret_names, size_t size,
				   struct err *e);

/* Becomes the program, found beside this one or in the libexec folder; returns only on failure. */
int external_become(const struct command *command, int argc, char **argv);

command_function status_command, watch_command, start_command, abort_command, wait_command,
	runs_command, jig_watch_command, jig_set_command, jig_reset_command;
command_function scan_command, logout_command, mode_command, free_command, alarms_command,
	badge_enrol_command, badge_withdraw_command, badge_list_command, report_command,
	doctor_command;
command_function order_open_command, order_use_command, order_close_command, order_show_command,
	order_list_command, order_quantity_command, void_command, revoke_command;

#endif
