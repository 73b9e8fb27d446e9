#include "station/left.h"

#define CODE "interrupted"

void left_judge(struct run *run)
{
	run->outcome = OUTCOME_ABORTED;
	run->code = CODE;
	control_copy_text(run->text, sizeof(run->text),
			  *run->certificate_id
				  ? "the station ended in the middle of this run: the board may "
				    "hold its certificate, whole or in part"
				  : "the station ended in the middle of this run, before anything "
				    "was written into the board");
}

const char *left_remedy(void)
{
	return "Run the same board again before it leaves the station.";
}

const struct run *left_in(const struct left *left, const char *nest)
{
	for (size_t i = 0; i < left->count; i++)
		if (strcmp(left->runs[i].nest, nest) == 0)
			return &left->runs[i];
	return NULL;
}

void left_gone(struct left *left, const char *nest)
{
	struct run *run = (struct run *)left_in(left, nest);

	if (run)
		*run = left->runs[--left->count];
}

/* Nests of earlier settings may find no room: of those nobody asks. */
void left_under_way(struct left *left, const struct run *run)
{
	left_gone(left, run->nest);
	if (left->count == CONTROL_NESTS_MAX)
		return;
	left->runs[left->count] = *run;
	left_judge(&left->runs[left->count++]);
}

void left_ended(struct left *left, const struct run *run)
{
	if (strcmp(run->code, CODE) == 0)
		left_under_way(left, run);
	else
		left_gone(left, run->nest);
}
