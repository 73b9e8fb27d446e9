#include "station/check.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/message.h"
#include "base/place.h"
#include "hsm/api/request.h"
#include "serial/board.h"
#include "station/product.h"
#include "station/settings.h"

#include <stdarg.h>
#include <fcntl.h>
#include <stdio.h>

#define SIGNER_PATIENCE_MS 5000

enum level { LEVEL_OK, LEVEL_WARN, LEVEL_FAIL };

static void __attribute__((format(printf, 3, 4)))
say(bool *well, enum level level, const char *format, ...)
{
	static const char *const words[] = { "ok   ", "WARN ", "FAIL " };
	va_list args;

	printf("%s ", words[level]);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	if (level == LEVEL_FAIL)
		*well = false;
}

static void check_ports(const struct station_settings *settings, bool *well)
{
	size_t present = 0;

	for (size_t i = 0; i < settings->nest_count; i++) {
		const struct station_nest *nest = &settings->nests[i];

		if (board_line_present(nest->port))
			present++;
		else
			say(well, LEVEL_WARN,
			    "nest %s: no line at %s; check its cable, or the nest is empty",
			    nest->name, nest->port);
	}
	say(well, present ? LEVEL_OK : LEVEL_WARN, "ports: %zu of %zu nests have a line", present,
	    settings->nest_count);
}

static void check_folders(bool *well)
{
	static const struct {
		enum place place;
		const char *what;
	} folders[] = { { PLACE_RUN_STATION, "run" }, { PLACE_LIB_STATION, "lib" } };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		AUTO(fd) fd = -1;
		struct err e;

		if (!place_open(folders[i].place, true, &fd, &e))
			say(well, LEVEL_FAIL, "%s", e.text);
		else if (faccessat(fd, ".", R_OK | W_OK | X_OK, AT_EACCESS) < 0)
			say(well, LEVEL_FAIL,
			    "the station's %s folder cannot be written: give it to the station's "
			    "user",
			    folders[i].what);
	}
}

static bool ask_status(struct reply *ret_reply, struct err *e)
{
	static uint8_t record[MESSAGE_MAX];
	struct request request = { .type = REQUEST_STATUS };
	AUTO(fd) fd = -1;

	return signer_connect(&fd, e) && signer_call(fd, &request, -1, record, ret_reply,
						     clock_deadline(SIGNER_PATIENCE_MS), -1, e);
}

static void check_signer(bool *well)
{
	struct reply reply;
	struct err e;

	if (!ask_status(&reply, &e))
		say(well, LEVEL_FAIL, "signer: %s", e.text);
	else if (*reply.status.trouble)
		say(well, LEVEL_WARN, "signer: %s", reply.status.trouble);
	else if (!*reply.status.order)
		say(well, LEVEL_WARN,
		    "no order is in use; a supervisor says: imprint order use ID");
	else
		say(well, LEVEL_OK, "signer answers; order %s is in use", reply.status.order);
}

bool check_station(void)
{
	AUTO_FREE struct station_settings *settings = calloc(1, sizeof(*settings));
	char path[PATH_MAX];
	bool well = true;
	struct err e;

	if (!settings)
		err_set(&e, ERR_SYSTEM, "no memory for the settings");
	if (!settings || !place_path(PLACE_ETC, "station.yaml", path, &e) ||
	    !station_settings_load(path, settings, &e)) {
		say(&well, LEVEL_FAIL, "%s", e.text);
		return false;
	}
	say(&well, LEVEL_OK, "settings: station %s, %zu nests", settings->station,
	    settings->nest_count);
	check_ports(settings, &well);
	check_folders(&well);
	check_signer(&well);
	return well;
}

static void print_mistake(void *context, const struct err *mistake)
{
	(void)context;
	fprintf(stderr, "%s\n", mistake->text);
}

bool check_product(const char *path)
{
	struct station_product product;
	struct err e;

	if (!station_product_load_reported(path, "", print_mistake, NULL, &product, &e))
		return false;
	printf("ok    board: driver %s, %zu files\n", product.driver, product.file_count);
	return true;
}
