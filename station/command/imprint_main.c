/* imprint: the one command that people type. See imprint(1). */
#include "station/command/command.h"

#include <signal.h>

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_DFL); /* `imprint runs | head` ends quietly */
	return command_main(argc, argv);
}
