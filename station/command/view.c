#include "station/command/view.h"

#include "base/clock.h"

void view_close(struct view *view)
{
	if (!view)
		return;
	if (view->fd >= 0)
		close(view->fd);
	free(view);
}

static bool take_rows(struct view *view, const struct control_reply *reply, struct err *e)
{
	struct reader r = { .data = reply->rows.data, .len = reply->rows.len };
	struct control_nest nest;

	if (reply->type != CONTROL_NESTS)
		return err_set(e, ERR_INVALID, "the station's answer is not about its nests");
	view->station = reply->station;
	view->changed = 0;
	while (control_nest_read(&r, &nest)) {
		if (nest.index >= CONTROL_NESTS_MAX)
			return err_set(e, ERR_INVALID, "the station has more nests than can be");
		view->nests[nest.index] = nest;
		view->told_at[nest.index] = clock_monotonic_ms();
		view->changed |= UINT64_C(1) << nest.index;
		if (nest.index >= view->count)
			view->count = nest.index + 1;
	}
	return reader_end(&r) || err_set(e, ERR_INVALID, "the station's answer makes no sense");
}

static bool ask(struct view *view, const struct control_request *request,
		struct control_reply *ret_reply, struct err *e)
{
	return control_call(view->fd, request, view->record, ret_reply, NULL,
			    clock_deadline(VIEW_PATIENCE_MS), e) &&
	       take_rows(view, ret_reply, e);
}

static bool ask_all(struct view *view, struct err *e)
{
	struct control_request request = { .type = CONTROL_STATUS };
	struct control_reply reply;

	do {
		request.after = view->count;
		if (!ask(view, &request, &reply, e))
			return false;
	} while (reply.more && view->count > request.after);
	return true;
}

bool view_open(struct view **ret_view, struct err *e)
{
	AUTO(view) view = calloc(1, sizeof(*view));

	if (!view)
		return err_set(e, ERR_SYSTEM, "no memory");
	view->fd = -1;
	if (!control_connect(&view->fd, e) || !ask_all(view, e))
		return false;
	*ret_view = TAKE(view);
	return true;
}

bool view_watch(struct view *view, struct err *e)
{
	struct control_request request = { .type = CONTROL_WATCH };
	struct control_reply reply;

	return ask(view, &request, &reply, e);
}

bool view_next(struct view *view, int64_t deadline, struct err *e)
{
	struct control_reply reply;

	if (control_next(view->fd, view->record, &reply, deadline, e))
		return take_rows(view, &reply, e);
	if (e->code == ERR_GONE)
		err_set(e, ERR_GONE, "the station has ended");
	return false;
}

bool view_call(const struct control_request *request, uint8_t *record,
	       struct control_reply *ret_reply, int *ret_passed, struct err *e)
{
	AUTO(fd) fd = -1;

	return control_connect(&fd, e) && control_call(fd, request, record, ret_reply, ret_passed,
						       clock_deadline(VIEW_PATIENCE_MS), e);
}
