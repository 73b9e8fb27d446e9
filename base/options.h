/* options: a command's options as one table: what argp shows, and where the value goes in the struct
 * of what was said: a text (const char *) where the option takes one, else a bool. Layer above: the
 * programs. Below: argp. Threads: one. */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <argp.h>
#include <stddef.h>

struct option_row {
	struct argp_option option;
	size_t at; /* offsetof; OPTIONS_OWN: the program takes it itself */
};
#define OPTIONS_OWN ((size_t)-1)
#define OPTIONS_MAX 32 /* rows of a table */

/* Those whose letters are in `keys` (NULL: all), with an empty one at the end. */
void options_choose(const struct option_row *rows, size_t count, const char *keys,
		    struct argp_option ret_options[static OPTIONS_MAX + 1]);
/* ARGP_ERR_UNKNOWN: it is no row, or OPTIONS_OWN. */
error_t options_take(const struct option_row *rows, size_t count, int key, const char *value,
		     void *said);

#endif
