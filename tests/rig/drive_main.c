/* rig-drive: drives a jig by a map, as the station would, for the tests of fixtures/:
 *	rig-drive MAP A1,A2,…		MAP holds `jig:` alone
 * Lines on stdin, each answered by one line: "ok", "error: " and a sentence, or a JSON object.
 *	want [clamp] [lid_lock] [red] … [power=A1,A2] [lamp_pass=…] [lamp_fail=…]
 *	see		the image
 *	reset		hold SIGNAL…=on|off		release
 *	signals		all of them */
#include "fixtures/jig.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#define LINE_MAX_LEN 4096
#define COUNT(table) (sizeof(table) / sizeof(*(table)))

struct drive {
	struct map map;
	struct jig *jig;
};

static uint64_t nests_of(const struct map *map, char *names)
{
	uint64_t mask = 0;
	char *rest = names;

	for (char *name = strtok_r(NULL, ",", &rest); name; name = strtok_r(NULL, ",", &rest))
		for (size_t i = 0; i < map->nest_count; i++)
			if (strcmp(map->nests[i], name) == 0)
				mask |= UINT64_C(1) << i;
	return mask;
}

static bool want_word(const struct map *map, char *word, struct jig_wish *wish)
{
	const struct {
		const char *name;
		bool *value;
	} flags[] = {
		{ "clamp", &wish->clamp },   { "lid_lock", &wish->lid_lock },
		{ "red", &wish->red },	     { "amber", &wish->amber },
		{ "green", &wish->green },   { "busy", &wish->busy },
		{ "buzzer", &wish->buzzer },
	};
	const struct {
		const char *name;
		uint64_t *value;
	} masks[] = {
		{ "power=", &wish->power },
		{ "lamp_pass=", &wish->lamp_pass },
		{ "lamp_fail=", &wish->lamp_fail },
	};

	for (size_t i = 0; i < COUNT(flags); i++)
		if (strcmp(word, flags[i].name) == 0)
			return *flags[i].value = true;
	for (size_t i = 0; i < COUNT(masks); i++) {
		size_t len = strlen(masks[i].name);

		if (strncmp(word, masks[i].name, len) != 0)
			continue;
		*masks[i].value = nests_of(map, word + len);
		return true;
	}
	return false;
}

static bool want(struct drive *drive, char *words, struct err *e)
{
	struct jig_wish wish = { 0 };
	char *rest = words;

	for (char *word = strtok_r(NULL, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		if (!want_word(&drive->map, word, &wish))
			return err_set(e, ERR_USAGE, "there is no wish %s", word);
	jig_want(drive->jig, &wish);
	return true;
}

static void print_nests(const struct map *map, const char *key, uint64_t mask)
{
	const char *comma = "";

	printf(", \"%s\": [", key);
	for (size_t i = 0; i < map->nest_count; i++)
		if (mask >> i & 1) {
			printf("%s\"%s\"", comma, map->nests[i]);
			comma = ", ";
		}
	printf("]");
}

static void print_image(const struct drive *drive)
{
	struct jig_image image;

	jig_see(drive->jig, &image);
	const struct {
		const char *key;
		bool value;
	} flags[] = {
		{ "estop_ok", image.estop_ok },	    { "lid_closed", image.lid_closed },
		{ "lid_locked", image.lid_locked }, { "clamped", image.clamped },
		{ "clamp_open", image.clamp_open }, { "start", image.start },
		{ "reset", image.reset },	    { "air_ok", image.air_ok },
		{ "automatic", image.automatic },   { "clamp_on", image.clamp_on },
	};

	printf("{\"fresh\": %s", image.fresh ? "true" : "false");
	for (size_t i = 0; i < COUNT(flags); i++)
		printf(", \"%s\": %s", flags[i].key, flags[i].value ? "true" : "false");
	print_nests(&drive->map, "present", image.present);
	print_nests(&drive->map, "powered", image.powered);
	print_nests(&drive->map, "power_ok", image.power_ok);
	printf(", \"trip\": \"%s\", \"sentence\": \"%s\", \"version\": %" PRIu64 "}\n",
	       jig_trip_name(image.trip), image.sentence, image.version);
}

static void print_signals(const struct drive *drive)
{
	struct jig_signal_view view;

	printf("[");
	for (size_t i = 0; jig_signal(drive->jig, i, &view); i++)
		printf("%s{\"name\": \"%s\", \"place\": \"%s\", \"output\": %d, \"known\": %d, "
		       "\"value\": %d, \"wanted\": %d}",
		       i ? ", " : "", view.name, view.place, view.output, view.known, view.value,
		       view.wanted);
	printf("]\n");
}

static bool hold(struct drive *drive, char *text, struct err *e)
{
	char *equals = strchr(text, '=');

	if (!equals)
		return err_set(e, ERR_USAGE, "hold SIGNAL=on|off");
	*equals = '\0';
	return jig_hold(drive->jig, text, strcmp(equals + 1, "on") == 0, e);
}

/* True if the answer is yet to be printed: "ok" or the mistake. */
static bool run(struct drive *drive, char *line, bool *ret_done, struct err *e)
{
	char *rest = strchr(line, ' ');

	if (rest)
		*rest++ = '\0';
	else
		rest = line + strlen(line);
	*ret_done = true;
	if (strcmp(line, "see") == 0)
		return print_image(drive), false;
	if (strcmp(line, "signals") == 0)
		return print_signals(drive), false;
	if (strcmp(line, "want") == 0)
		*ret_done = want(drive, rest, e);
	else if (strcmp(line, "reset") == 0)
		*ret_done = jig_reset(drive->jig, e);
	else if (strcmp(line, "hold") == 0)
		*ret_done = hold(drive, rest, e);
	else if (strcmp(line, "release") == 0)
		jig_release(drive->jig);
	else
		*ret_done = err_set(e, ERR_USAGE, "there is no command %s", line);
	return true;
}

static bool serve(struct drive *drive)
{
	char line[LINE_MAX_LEN];
	struct err e = { 0 };
	bool done;

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\n")] = '\0';
		if (run(drive, line, &done, &e))
			printf("%s%s\n", done ? "ok" : "error: ", done ? "" : e.text);
		fflush(stdout);
	}
	return true;
}

int main(int argc, char **argv)
{
	static struct drive drive;
	const char *nests[MAP_NESTS_MAX];
	size_t count = 0;
	char *rest;
	struct err e;
	bool done;

	signal(SIGPIPE, SIG_IGN);
	if (argc != 3) {
		fprintf(stderr, "usage: rig-drive MAP A1,A2,…\n");
		return 2;
	}
	rest = argv[2];
	for (char *name = strtok_r(NULL, ",", &rest); name && count < MAP_NESTS_MAX;
	     name = strtok_r(NULL, ",", &rest))
		nests[count++] = name;
	done = map_load(argv[1], nests, count, &drive.map, &e) &&
	       jig_open(&drive.map, -1, &drive.jig, &e) && serve(&drive);
	if (!done)
		fprintf(stderr, "rig-drive: %s\n", e.text);
	jig_close(drive.jig);
	return done ? EXIT_SUCCESS : EXIT_FAILURE;
}
