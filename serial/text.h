/* text: what a board says about itself, before anything of ours shows or stores it: printable ASCII
 * of 1 to BOARD_TEXT_MAX characters. Threads: any. Layer above: drivers. Below: bytes. */
#ifndef SERIAL_TEXT_H
#define SERIAL_TEXT_H

#include "serial/board.h"

/* FAULT_… `fault` and "its WHAT is …" where it is no such text. */
MUST_CHECK bool text_take(struct bytes bytes, const char *what, int fault,
			  char ret_text[static BOARD_TEXT_MAX + 1], struct err *e);

/* One `struct board` is one unit from open to close: keeps the first one said in `unit`, which
 * begins as "", and fails with FAULT_UNIT_CHANGED where another one is said. */
MUST_CHECK bool text_same_unit(char unit[static BOARD_TEXT_MAX + 1], bool *identified,
			       const char *now, struct err *e);

#endif
