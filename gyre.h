// gyre: an event loop, futures, coroutines and HTTP for C. The one header to include.
#ifndef GYRE_H
#define GYRE_H

#include "base/base.h"
#include "base/error.h"
#include "coro/coro.h"
#include "future/future.h"
#include "http/http.h"
#include "loop/loop.h"
#include "net/net.h"

#endif
