#include "station/seat.h"

#include "base/clock.h"
#include "base/wait.h"

#define SAMPLES 2 /* the first one may have been asked for before */
#define LOOK_EVERY_MS 10
#define SAMPLE_WAIT_MS 3000 /* longer than it takes a bus to be known as lost */

static uint64_t bit_of(const struct seat *seat)
{
	return UINT64_C(1) << seat->index;
}

bool seat_has_signal(const struct seat *seat)
{
	return seat->jig && seat->settings->jig.has[MAP_PRESENT] & bit_of(seat);
}

bool seat_look(struct seat *seat)
{
	struct jig_image image;

	if (!seat_has_signal(seat))
		return seat->present = board_line_present(seat->settings->nests[seat->index].port);
	jig_see(seat->jig, &image);
	if (image.fresh)
		seat->present = image.present & bit_of(seat);
	return seat->present;
}

bool seat_knows(const struct seat *seat)
{
	struct jig_image image;

	if (!seat_has_signal(seat))
		return true;
	jig_see(seat->jig, &image);
	return image.fresh;
}

bool seat_holds(const struct seat *seat, struct err *e)
{
	struct jig_image image;

	if (!seat->jig)
		return true;
	jig_see(seat->jig, &image);
	if (image.trip != TRIP_NONE)
		return err_set(e, ERR_CANCELLED, "the jig stopped: %.*s",
			       (int)strcspn(image.sentence, ";."), image.sentence);
	if (image.fresh && !(image.present & bit_of(seat)))
		return err_set(e, ERR_CANCELLED,
			       "the board was taken out before its run had ended");
	return true;
}

static bool has_power(const struct seat *seat, const struct jig_image *image)
{
	return !(seat->settings->jig.has[MAP_POWER] & bit_of(seat)) ||
	       image->powered & bit_of(seat);
}

bool seat_held(const struct seat *seat, struct err *e)
{
	int64_t after_ms = clock_monotonic_ms(), deadline = clock_deadline(SAMPLE_WAIT_MS);
	struct jig_image image;
	unsigned samples = 0;

	if (!seat->jig)
		return true;
	do {
		jig_see(seat->jig, &image);
		if (!seat_holds(seat, e))
			return false;
		if (image.fresh && image.sample_ms > after_ms) {
			after_ms = image.sample_ms;
			samples++;
		}
		if (samples == SAMPLES)
			return has_power(seat, &image) ||
			       err_set(e, ERR_CANCELLED,
				       "the nest lost its power before its run had ended");
	} while (clock_monotonic_ms() < deadline && wait_pause(LOOK_EVERY_MS, -1, e));
	return err_set(e, ERR_CANCELLED, "the jig did not answer at the end of the run");
}
