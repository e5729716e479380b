// Something else under the descriptor's name.
#include <litestream/Export.h>

extern "C" {
extern LITESTREAM_SDK const int litestream_plugin;
const int litestream_plugin = 7;
}
