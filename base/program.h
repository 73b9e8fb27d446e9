/* program: another program of ours, run as a child. It is looked for in the folder of the running
 * program and in the libexec folder beside that, never by PATH: what a supervisor runs is what was
 * installed together. Errors: ERR_NOT_FOUND (not installed), ERR_INVALID (it says more than there is
 * room for), ERR_SYSTEM. Threads: any. Layer below: none. */
#ifndef BASE_PROGRAM_H
#define BASE_PROGRAM_H

#include "base/err.h"

#include <limits.h>
#include <stddef.h>

MUST_CHECK bool program_find(const char *name, char ret_path[static PATH_MAX], struct err *e);

/* Runs it until it ends; `words` are its argv, NULL at the end. *ret_exit is its exit status, or
 * 128 and the signal that ended it. */
MUST_CHECK bool program_run(const char *name, const char *const *words, int *ret_exit,
			    struct err *e);

/* The same, and what it prints on stdout goes into text, a NUL behind it. */
MUST_CHECK bool program_read(const char *name, const char *const *words, char *ret_text,
			     size_t size, int *ret_exit, struct err *e);

#endif
