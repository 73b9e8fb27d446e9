/* file: a small regular file, read whole into memory with a limit. A folder, a device or a pipe in
 * its place is refused without waiting for it. Errors: ERR_NOT_FOUND, ERR_REFUSED (it may not be
 * read), ERR_INVALID (no regular file, or too long), ERR_SYSTEM. Threads: any. Layer above: config, product. Below: none. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/err.h"

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

/* The caller frees *ret_data; a NUL follows the last byte and is not counted. */
MUST_CHECK bool file_read(const char *path, size_t max_len, uint8_t **ret_data, size_t *ret_len,
			  struct err *e);

/* `name` as the file at `path` means it: absolute, or below the folder of that file. */
MUST_CHECK bool file_beside(const char *path, const char *name, char ret_path[static PATH_MAX],
			    struct err *e);

#endif
