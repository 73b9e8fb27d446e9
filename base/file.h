/* file: a small regular file, read whole into memory with a limit, or any text line by line. A
 * folder, a device or a pipe in a small file's place is refused without waiting for it. Errors:
 * ERR_NOT_FOUND, ERR_REFUSED (it may not be read), ERR_INVALID (no regular file, or too long),
 * ERR_SYSTEM. Threads: any. Layer above: config, product, records, exports. Below: none. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/err.h"

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The caller frees *ret_data; a NUL follows the last byte and is not counted. */
MUST_CHECK bool file_read(const char *path, size_t max_len, uint8_t **ret_data, size_t *ret_len,
			  struct err *e);

/* The next line with its LF, and a NUL behind it. What does not fit into `size` bytes is read and
 * thrown away: a line costs no memory. The length is that of the whole line, so that one which was
 * cut has `size` or more; 0 at the end, and where reading failed (ferror). Where the last line has
 * no LF, feof says so. */
size_t file_line(FILE *file, char *line, size_t size);

/* `name` as the file at `path` means it: absolute, or below the folder of that file. */
MUST_CHECK bool file_beside(const char *path, const char *name, char ret_path[static PATH_MAX],
			    struct err *e);

#endif
