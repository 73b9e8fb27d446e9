#include "serial/fault.h"

#include <stddef.h>

static const struct {
	const char *short_code, *remedy;
} faults[FAULT_LAST - FAULT_FIRST] = {
	[FAULT_SILENT - FAULT_FIRST] = { "F10", "Re-seat the board; if it stays silent, check the "
						"cable of this nest." },
	[FAULT_GARBAGE - FAULT_FIRST] = { "F11", "Re-seat the board; if it goes on, check the "
						 "firmware and the baud rate of the product." },
	[FAULT_LINE_GONE - FAULT_FIRST] = { "F12", "Check the USB cable and the serial adapter of "
						   "this nest." },
	[FAULT_RESTARTED - FAULT_FIRST] = { "F13", "Run the board again; if it restarts again, "
						   "check its power supply." },
	[FAULT_ANSWER - FAULT_FIRST] = { "F14", "Check that the board has the firmware that the "
						"product expects." },
	[FAULT_REFUSED - FAULT_FIRST] = { "F15", "Check that the board has the firmware that the "
						 "product expects; set the board aside." },
	[FAULT_FLASH - FAULT_FIRST] = { "F21", "Run the board again; if it fails again, its flash "
					       "is bad: set it aside." },
	[FAULT_NO_ROOM - FAULT_FIRST] = { "F22", "The product's files are too long for this "
						 "firmware: tell the technician." },
	[FAULT_UNIT_TEXT - FAULT_FIRST] = { "F30", "The board was not given a proper unit id: set "
						   "it aside." },
	[FAULT_UNIT_CHANGED - FAULT_FIRST] = { "F31", "Leave the board in its nest until the run "
						      "has ended, and run it again." },
	[FAULT_CSR_SIZE - FAULT_FIRST] = { "F32", "Check that the board has the firmware that the "
						  "product expects." },
	[FAULT_PROOF - FAULT_FIRST] = { "F33", "The board does not hold the key that it asked a "
					       "certificate for: set it aside." },
};

static bool is_fault(int code)
{
	return code >= FAULT_FIRST && code < FAULT_LAST;
}

const char *fault_short(int code)
{
	return is_fault(code) ? faults[code - FAULT_FIRST].short_code : "";
}

const char *fault_remedy(int code)
{
	return is_fault(code) ? faults[code - FAULT_FIRST].remedy : "";
}
