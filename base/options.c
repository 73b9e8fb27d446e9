#include "base/options.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

void options_choose(const struct option_row *rows, size_t count, const char *keys,
		    struct argp_option ret_options[static OPTIONS_MAX + 1])
{
	assert(count <= OPTIONS_MAX);
	for (size_t i = 0; i < count; i++)
		if (!keys || strchr(keys, rows[i].option.key))
			*ret_options++ = rows[i].option;
	*ret_options = (struct argp_option) { 0 };
}

error_t options_take(const struct option_row *rows, size_t count, int key, const char *value,
		     void *said)
{
	for (size_t i = 0; i < count; i++) {
		char *at = (char *)said + rows[i].at;

		if (rows[i].option.key != key || rows[i].at == OPTIONS_OWN)
			continue;
		if (rows[i].option.arg)
			*(const char **)(void *)at = value;
		else
			*(bool *)at = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}
