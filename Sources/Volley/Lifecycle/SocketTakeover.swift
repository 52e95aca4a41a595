internal import CVolley
internal import Glibc
internal import Synchronization
internal import SystemPackage
internal import VolleyCore

/// The sockets of the process before this one, about to be taken over: the other end of ``SocketHandover``.
///
/// Connect, make endpoints of ``sockets``, then ``complete()``. Until then the process before goes on, also if this one
/// dies. Endpoints made of the sockets receive nothing before that, so that it is always clear who serves. They share
/// their sockets with the process before: options set on one of them meanwhile hold for both.
public final class SocketTakeover: Sendable {
    /// The sockets, in the order in which they were offered, with their names.
    public let sockets: [InheritedSocket]
    /// The process that has offered them; 0 when it cannot be seen from here.
    public let processID: CInt

    private let options: HandoverOptions
    private let state: Mutex<State>

    private struct State: ~Copyable {
        /// Gone once it has been decided who serves.
        var channel: HandoverChannel?
        var listener: SharedDescriptor?
        /// Why the process before goes on, if it does.
        var failure: LifecycleError?
    }

    private init(
        _ channel: consuming HandoverChannel, process: CInt, sockets: [InheritedSocket], listener: SharedDescriptor,
        _ options: HandoverOptions
    ) {
        self.sockets = sockets
        self.options = options
        processID = process
        state = Mutex(State(channel: consume channel, listener: listener))
    }

    /// Connects to the process that offers its sockets at `path`, and gets them.
    ///
    /// Blocks for at most three steps of `options`.
    ///
    /// - Returns: `nil` when nobody offers anything there; then this process has to open sockets of its own.
    /// - Throws: `unusablePath` when there is something else, `wrongUser`, `wrongVersion`, `malformedMessage`, `refused`,
    ///   `timedOut`, `peerGone`, or `systemCall`: `EACCES` when the process runs as another user.
    public static func connect(
        to path: String, options: HandoverOptions = HandoverOptions()
    ) throws(LifecycleError) -> SocketTakeover? {
        guard let connection = try HandoverPath(path).connect(timeout: options.stepLimit) else { return nil }
        let channel = HandoverChannel(connection)
        let process = try channel.authenticate()
        try channel.send(.hello)
        // Two steps' time: another process may be served first.
        switch try channel.await(within: options.stepLimit * 2) {
        case .message(.offer(let names), let descriptors):
            guard descriptors.count == names.count + 1, let listener = descriptors.last else {
                throw LifecycleError(
                    .malformedMessage, "\(descriptors.count) descriptors came with the offer of \(names.count) sockets")
            }
            var sockets: [InheritedSocket] = []
            for (name, descriptor) in zip(names, descriptors) {
                sockets.append(try InheritedSocket(owning: descriptor.take(), name: name, isHeld: true))
            }
            return SocketTakeover(channel, process: process, sockets: sockets, listener: listener, options)
        case .message(.refused(let reason), _): throw Self.refused(reason, by: process)
        case .message(let message, _):
            throw LifecycleError(.malformedMessage, "process \(process) answered \(message) instead of an offer")
        case .end: throw HandoverChannel.peerGone
        case .none: throw LifecycleError(.timedOut, "process \(process) did not offer its sockets at \(path) in time")
        }
    }

    /// Takes over: the process before stops receiving, and endpoints made of ``sockets`` begin.
    ///
    /// To be called when this process can serve. Blocks for at most one step. If the process before dies meanwhile, its
    /// sockets are this one's all the same. Another call has the same outcome.
    ///
    /// - Throws: `refused` or `timedOut`: the process before goes on, so this one should close what it has made and end.
    public func complete() throws(LifecycleError) {
        try state.withLock { state throws(LifecycleError) in
            guard let channel = state.channel.take() else {
                if let failure = state.failure { throw failure }
                return
            }
            do throws(LifecycleError) {
                try awaitDecision(on: channel)
            } catch {
                state.failure = error
                state.listener = nil
                throw error
            }
        }
        for socket in sockets { socket.letGo() }
    }

    /// Says that this process is ready, and returns if the sockets are its own.
    private func awaitDecision(on channel: borrowing HandoverChannel) throws(LifecycleError) {
        do throws(LifecycleError) {
            try channel.send(.ready)
        } catch {
            // What it said before it closed the connection decides.
            guard error.code == .peerGone else { throw error }
        }
        var answer = try channel.await(within: options.stepLimit)
        if case .none = answer {
            // From here on the other cannot commit any more, so what has arrived by now decides.
            channel.shutDown()
            answer = try channel.receive()
            if case .end = answer { answer = .none }
        }
        switch answer {
        case .message(.committed, _), .end: break
        case .message(.refused(let reason), _): throw Self.refused(reason, by: processID)
        case .message(let message, _):
            throw LifecycleError(.malformedMessage, "process \(processID) answered \(message) to ready")
        case .none: throw LifecycleError(.timedOut, "process \(processID) did not stop receiving in time")
        }
    }

    /// The listening socket of the hand-over, for this process's own offer.
    func takeListener() throws(LifecycleError) -> SharedDescriptor {
        let listener = state.withLock { state in state.channel == nil ? state.listener.take() : nil }
        guard let listener else {
            throw LifecycleError(
                .unusableDescriptor, "a hand-over is continued once, and only after it has been completed")
        }
        return listener
    }

    private static func refused(_ reason: String, by process: CInt) -> LifecycleError {
        LifecycleError(.refused, "process \(process) keeps its sockets: \(reason)")
    }
}

extension HandoverChannel {
    /// Waits for a message or the end, blocking the thread; `none` when neither came within `limit`.
    fileprivate func await(within limit: Duration) throws(LifecycleError) -> Arrival {
        let deadline = MonotonicInstant(nanoseconds: System.monotonicNanoseconds()).advanced(by: limit)
        while true {
            let arrival = try receive()
            guard case .none = arrival else { return arrival }
            let now = MonotonicInstant(nanoseconds: System.monotonicNanoseconds())
            guard now < deadline else { return .none }
            let milliseconds = (now.duration(to: deadline).wholeNanoseconds / 1_000_000).addingReportingOverflow(1)
            var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            // SAFETY: one pollfd, which the call fills in.
            let result = unsafe poll(&request, 1, CInt(clamping: milliseconds.partialValue))
            let number = errno
            if result < 0, number != EINTR { throw LifecycleError(systemCall: "poll", number, at: "the hand-over") }
        }
    }
}
