#include "serial/board.h"

#include "serial/driver.h"
#include "serial/port.h"

#include <stdlib.h>
#include <string.h>

/* A new driver is a row here. */
/* clang-format off */
#define DRIVERS(row) \
	row(prov) \
	row(fs) \
	row(nrf91) \
	row(zshell)
/* clang-format on */

#define DECLARATION(name) extern const struct driver name##_driver;
#define POINTER(name) &name##_driver,

DRIVERS(DECLARATION)
static const struct driver *const drivers[] = { DRIVERS(POINTER) };

#define COUNT(table) (sizeof(table) / sizeof(*(table)))

struct board {
	const struct driver *driver;
	struct board_options options;
	struct port *port;
	void *state;
};

static const struct driver *driver_of(const char *name)
{
	for (size_t i = 0; i < COUNT(drivers); i++)
		if (strcmp(drivers[i]->name, name) == 0)
			return drivers[i];
	return NULL;
}

bool board_open(const struct board_options *options, struct board **ret_board, struct err *e)
{
	const struct driver *driver = driver_of(options->driver);
	AUTO(board) board = NULL;

	if (!driver)
		return err_set(e, ERR_INVALID, "there is no board driver \"%s\"", options->driver);
	board = calloc(1, sizeof(*board));
	if (!board)
		return err_errno(e, ERR_SYSTEM, "no memory for a board");
	board->driver = driver;
	board->options = *options;
	if (board->options.line_gap_ms == 0)
		board->options.line_gap_ms = driver->line_gap_ms;
	if (!options->settings || options->settings->kind != driver->settings.kind)
		board->options.settings = &driver->settings;
	if (!port_open(options->port, options->baud, &board->port, e))
		return false;
	board->state = driver->start(&board->options, board->port, e);
	if (!board->state)
		return false;
	*ret_board = TAKE(board);
	return true;
}

void board_close(struct board *board)
{
	if (!board)
		return;
	if (board->state)
		board->driver->stop(board->state);
	port_close(board->port);
	free(board);
}

bool board_identify(struct board *board, struct board_identity *ret_identity, int64_t deadline,
		    struct err *e)
{
	return board->driver->identify(board->state, ret_identity, deadline, e);
}

bool board_csr(struct board *board, uint8_t *ret_csr, size_t *ret_len, int64_t deadline,
	       struct err *e)
{
	return board->driver->csr(board->state, ret_csr, ret_len, deadline, e);
}

bool board_write(struct board *board, const struct board_file *file, int64_t deadline,
		 struct err *e)
{
	if (file->content.len == 0 || file->content.len > BOARD_FILE_MAX)
		return err_set(e, ERR_INVALID, "the %s has %zu bytes: 1 to %d are possible",
			       file->name, file->content.len, BOARD_FILE_MAX);
	return board->driver->write(board->state, file, deadline, e);
}

bool board_verify(struct board *board, const struct board_file *file, bool read_back,
		  int64_t deadline, struct err *e)
{
	return board->driver->verify(board->state, file, read_back, deadline, e);
}

bool board_repeats_csr(const struct board *board)
{
	return !board->driver->new_key_each_csr;
}

bool board_is_unchecked(const struct board *board)
{
	return board->driver->unchecked;
}

bool board_can_prove(const struct board *board)
{
	return board->driver->prove != NULL;
}

bool board_prove(struct board *board, const struct board_challenge *challenge,
		 struct board_proof *ret_proof, int64_t deadline, struct err *e)
{
	if (!board->driver->prove)
		return err_set(e, ERR_INVALID, "the driver \"%s\" has no proof",
			       board->options.driver);
	return board->driver->prove(board->state, challenge, ret_proof, deadline, e);
}

bool board_finish(struct board *board, int64_t deadline, struct err *e)
{
	return !board->driver->finish || board->driver->finish(board->state, deadline, e);
}

bool board_line_present(const char *port)
{
	return port_present(port);
}

bool board_probe(struct board *board, struct board_report *ret_report, int64_t deadline,
		 struct err *e)
{
	struct board_report report = { 0 };

	if (!board->driver->probe(board->state, &report, deadline, e))
		return false;
	*ret_report = report;
	return true;
}

const char *board_driver_name(size_t index)
{
	return index < COUNT(drivers) ? drivers[index]->name : NULL;
}

struct board_settings board_settings_default(const char *driver)
{
	const struct driver *found = driver_of(driver);

	return found ? found->settings : (struct board_settings) { 0 };
}

bool board_driver_proves(const char *driver)
{
	const struct driver *found = driver_of(driver);

	return found && found->prove;
}

bool board_target_fits(const char *driver, const char *target, const char **ret_allowed)
{
	const struct driver *found = driver_of(driver);
	bool any = !found || !found->targets;

	for (size_t i = 0; !any && found->targets[i]; i++)
		any = strcmp(found->targets[i], target) == 0;
	*ret_allowed = any ? NULL : found->targets_text;
	return any;
}
