#include "serial/probe.h"

#include "base/clock.h"
#include "serial/fault.h"

#include <string.h>

#define DRIVERS_MAX 16

static struct board_settings settings_for(const struct probe *p, const char *driver)
{
	struct board_settings s = board_settings_default(driver);

	if (s.kind == BOARD_SETTINGS_FS && p->unit_file)
		snprintf(s.fs.unit, sizeof(s.fs.unit), "%s", p->unit_file);
	if (s.kind == BOARD_SETTINGS_NRF91 && p->has_sec_tag)
		s.nrf91.sec_tag = p->sec_tag;
	if (s.kind == BOARD_SETTINGS_ZSHELL && p->has_sec_tag)
		s.zshell.sec_tag = p->sec_tag;
	if (s.kind == BOARD_SETTINGS_ZSHELL && p->prompt)
		snprintf(s.zshell.prompt, sizeof(s.zshell.prompt), "%s", p->prompt);
	return s;
}

static bool ask_as(const struct probe *p, const char *port, const char *driver,
		   struct board_report *ret_report, struct err *e)
{
	const struct board_settings settings = settings_for(p, driver);
	const struct board_options board_options = { .driver = driver,
						     .port = port,
						     .baud = p->baud,
						     .cancel_fd = -1,
						     .settings = &settings };
	AUTO(board) board = NULL;

	return board_open(&board_options, &board, e) &&
	       board_probe(board, ret_report, clock_deadline(p->timeout_ms), e);
}

/* Another driver will not do better. */
static bool is_final(const struct err *e)
{
	return e->code == FAULT_LINE_GONE || e->code < FAULT_FIRST;
}

struct failure {
	const char *driver;
	struct err err;
};

static bool nothing_found(const char *port, const struct failure *failures, size_t count, FILE *why,
			  struct err *e)
{
	bool silent = true;

	for (size_t i = 0; i < count; i++)
		silent = silent && failures[i].err.code == FAULT_SILENT;
	if (silent)
		return err_set(e, FAULT_SILENT,
			       "nothing answers on %s, not with one byte; check that it is this "
			       "board's port, the board's power, and the cable (TX to RX)",
			       port);
	for (size_t i = 0; why && i < count; i++)
		fprintf(why, "%s: %s\n", failures[i].driver, failures[i].err.text);
	return err_set(e, ERR_NOT_FOUND,
		       "something talks on %s, but no driver understands it; check baud rate and "
		       "firmware of the board, and --sec-tag or --prompt",
		       port);
}

bool probe_port(const struct probe *p, const char *port, FILE *why, const char **ret_driver,
		struct board_report *ret_report, struct err *e)
{
	static struct failure failures[DRIVERS_MAX];
	const char *driver;
	size_t count = 0;

	for (size_t i = 0; (driver = board_driver_name(i)) && count < DRIVERS_MAX; i++) {
		if (p->driver && strcmp(p->driver, driver) != 0)
			continue;
		if (ask_as(p, port, driver, ret_report, e)) {
			*ret_driver = driver;
			return true;
		}
		if (is_final(e))
			return false;
		failures[count++] = (struct failure) { driver, *e };
	}
	return nothing_found(port, failures, count, why, e);
}
