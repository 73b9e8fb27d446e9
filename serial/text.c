#include "serial/text.h"

#include "serial/fault.h"

#include <stdio.h>

bool text_take(struct bytes bytes, const char *what, int fault,
	       char ret_text[static BOARD_TEXT_MAX + 1], struct err *e)
{
	if (bytes.len == 0 || bytes.len > BOARD_TEXT_MAX)
		return err_set(e, fault, "its %s is no text of 1 to %d characters", what,
			       BOARD_TEXT_MAX);
	for (size_t i = 0; i < bytes.len; i++)
		if (bytes.data[i] < 0x20 || bytes.data[i] > 0x7e)
			return err_set(e, fault, "its %s is not printable ASCII", what);
	memcpy(ret_text, bytes.data, bytes.len);
	ret_text[bytes.len] = '\0';
	return true;
}

bool text_same_unit(char unit[static BOARD_TEXT_MAX + 1], bool *identified, const char *now,
		    struct err *e)
{
	if (*identified && strcmp(unit, now) != 0)
		return err_set(e, FAULT_UNIT_CHANGED, "the board was %s and is %s now", unit, now);
	*identified = true;
	snprintf(unit, BOARD_TEXT_MAX + 1, "%s", now);
	return true;
}
