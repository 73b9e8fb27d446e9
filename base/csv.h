/* csv: a text as one cell of a table (RFC 4180): quoted, quotes doubled; a leading =, +, - or @ gets
 * an apostrophe, for a spreadsheet must not run what came from a board. Threads: any. Layer above:
 * the commands. Below: none. */
#ifndef BASE_CSV_H
#define BASE_CSV_H

#include <stdio.h>

void csv_cell(FILE *to, const char *text);

#endif
