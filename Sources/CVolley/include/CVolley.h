// What Swift cannot import or call directly; nothing else belongs here.
#ifndef CVOLLEY_H
#define CVOLLEY_H
#endif
