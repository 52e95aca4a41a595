internal import Synchronization
internal import SystemPackage
internal import VolleyCore

/// The offer of a process's sockets to the one that comes after it, from any thread.
///
/// Whoever connects to ``path`` as the same user gets the sockets (`SCM_RIGHTS`, unix(7)). Until it has said that it
/// is ready, nothing changes here; if it never does, this process goes on. Then the endpoints stop receiving, which
/// leaves what waits in their sockets to the new process, and are flushed and closed. No datagram is lost by that, and
/// none is received twice. Letting go of this object does not end the offer: see ``end()``.
public final class SocketHandover: Sendable {
    /// Where the sockets are offered.
    public let path: String
    private let eventLoop: LiveEventLoop
    private let server: LoopBound<HandoverServer>

    fileprivate init(_ server: LoopBound<HandoverServer>, path: String, on eventLoop: LiveEventLoop) {
        self.server = server
        self.path = path
        self.eventLoop = eventLoop
    }

    /// Ends the offer because this process ends: removes the path, unless another process has it by now.
    ///
    /// A process that has got the sockets and is about to be ready takes over; one that has not got them is refused.
    /// Blocks until that is done; does nothing after a hand-over. To be called before ``LiveEventLoop/stop()``.
    public func end() {
        _ = try? eventLoop.run { [server] _ throws(DatagramError) in server.value.end() }
    }
}

extension LiveEventLoop {
    /// Offers `sockets` to the process that comes after this one, at the Unix socket `path`.
    ///
    /// The new process gets them with ``SocketTakeover/connect(to:options:)``. One process is served at a time.
    ///
    /// - Parameters:
    ///   - sockets: at most 252, in the order in which the new process gets them.
    ///   - path: at most 107 bytes. A file that a process which is gone has left there is replaced; mode 0600.
    ///   - takeover: where this process has its own sockets from: then its place at `path` is taken over, too, so that
    ///     nobody who connects meanwhile is turned away.
    ///   - options: how long the parts may take.
    ///   - report: called on this loop for every attempt: the id of the process that has taken over, or why it has
    ///     not and this process goes on.
    /// - Throws: `alreadyServed`, `unusablePath`, `tooManySockets` (which is a name of over 255 bytes, too), `systemCall`.
    public func offerSockets(
        _ sockets: [OfferedSocket], at path: String, after takeover: SocketTakeover? = nil,
        options: HandoverOptions = HandoverOptions(),
        _ report: @escaping @Sendable (Result<CInt, LifecycleError>) -> Void = { _ in }
    ) throws(LifecycleError) -> SocketHandover {
        guard sockets.count <= HandoverMessage.socketsMax,
            sockets.allSatisfy({ $0.name.utf8.count <= HandoverMessage.textCountMax })
        else {
            throw LifecycleError(
                .tooManySockets,
                "a hand-over takes at most \(HandoverMessage.socketsMax) sockets with names of at most "
                    + "\(HandoverMessage.textCountMax) bytes; these are \(sockets.count)")
        }
        let place = try HandoverPath(path)
        let shared: SharedDescriptor
        if let takeover { shared = try takeover.takeListener() } else { shared = try place.listen() }
        let result: Result<LoopBound<HandoverServer>, LifecycleError>
        do throws(DatagramError) {
            result = try run { loop throws(DatagramError) in
                let server = HandoverServer(sockets, at: place, listener: shared, options, on: loop, report)
                do throws(LifecycleError) {
                    try server.start()
                    return .success(LoopBound(server))
                } catch {
                    return .failure(error)
                }
            }
        } catch {
            throw LifecycleError(.systemCall, "the loop of the hand-over at \(path) has stopped", errno: error.errno)
        }
        return SocketHandover(try result.get(), path: path, on: self)
    }
}
