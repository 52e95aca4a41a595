// The only place where VolleyCore tells the compiler what a non-escapable value depends on.
//
// The compiler works out the lifetime of a view from the parameter it is made from. Made from a pointer, that is the
// local copy of the pointer, which says nothing about who owns the memory. A caller who knows the owner states it with
// one of these; nothing checks the statement, hence `@unsafe`, and every use carries a `SAFETY:` line that argues it.

/// Returns `dependent`, valid for as long as `owner` stays borrowed.
///
/// Sound only if the memory behind `dependent` belongs to `owner` and stays put until the borrow ends.
@unsafe @_unsafeNonescapableResult
@_transparent @_alwaysEmitIntoClient @usableFromInline
@_lifetime(borrow owner)
package func _overrideLifetime<View, Owner>(_ dependent: consuming View, borrowing owner: borrowing Owner) -> View
where View: ~Copyable & ~Escapable, Owner: ~Copyable & ~Escapable {
    dependent
}

/// Returns `dependent`, valid for exactly as long as what `source` is a view of.
///
/// Sound only if the memory behind `dependent` is part of what `source` already views.
@unsafe @_unsafeNonescapableResult
@_transparent @_alwaysEmitIntoClient @usableFromInline
@_lifetime(copy source)
package func _overrideLifetime<View, Source>(_ dependent: consuming View, copying source: borrowing Source) -> View
where View: ~Copyable & ~Escapable, Source: ~Copyable & ~Escapable {
    dependent
}

/// Returns `dependent`, valid for as long as `owner` stays exclusively accessed.
///
/// Sound only if the memory behind `dependent` belongs to `owner`, stays put until the access ends, and is written
/// through nothing else meanwhile.
@unsafe @_unsafeNonescapableResult
@_transparent @_alwaysEmitIntoClient @usableFromInline
@_lifetime(&owner)
package func _overrideLifetime<View, Owner>(_ dependent: consuming View, mutating owner: inout Owner) -> View
where View: ~Copyable & ~Escapable, Owner: ~Copyable & ~Escapable {
    dependent
}
