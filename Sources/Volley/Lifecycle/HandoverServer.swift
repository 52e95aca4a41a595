internal import CVolley
internal import Glibc
internal import SystemPackage
internal import VolleyCore

/// The old process's side of a hand-over, on its loop; see ``HandoverMessage`` for what is said.
///
/// Kept by its registrations in the loop, as long as it listens or somebody is connected.
final class HandoverServer {
    private let sockets: [OfferedSocket]
    private let path: HandoverPath
    private let options: HandoverOptions
    private let loop: EpollLoop
    private let report: @Sendable (Result<CInt, LifecycleError>) -> Void
    /// The file that is this offer's, to be removed at its end.
    private let file: HandoverPath.Identity?
    /// Gone once the sockets are, or the offer is over.
    private var listener: SharedDescriptor?
    private var listenerToken: EpollLoop.Token?
    private var attempt: Attempt?

    /// One process that has connected.
    private final class Attempt {
        enum Phase { case greeting, collecting, offered, stopping }
        let channel: HandoverChannel
        var phase = Phase.greeting
        var process: CInt = 0
        var token: EpollLoop.Token?
        var timer: ScheduledCall?
        /// Copies of the sockets, until they are on their way.
        var copies: [SharedDescriptor?] = []
        /// How many answers of the sockets' loops are missing.
        var missing = 0

        init(_ channel: consuming HandoverChannel) { self.channel = channel }
    }

    /// A descriptor's handler, which is a closure.
    private final class Handler: EpollHandler {
        private let body: () -> Void
        init(_ body: @escaping () -> Void) { self.body = body }
        func ready(_ events: UInt32) { body() }
    }

    init(
        _ sockets: [OfferedSocket], at path: HandoverPath, listener: SharedDescriptor, _ options: HandoverOptions,
        on loop: EpollLoop, _ report: @escaping @Sendable (Result<CInt, LifecycleError>) -> Void
    ) {
        self.sockets = sockets
        self.path = path
        self.listener = listener
        self.options = options
        self.loop = loop
        self.report = report
        file = path.identity
    }

    // MARK: Listening

    func start() throws(LifecycleError) {
        guard let listener else { return }
        // A listener that was taken over still has the old process's credentials.
        try HandoverPath.listen(listener.rawValue, at: path.text)
        guard fcntl(listener.rawValue, F_SETFL, O_NONBLOCK) == 0 else {
            throw LifecycleError(systemCall: "fcntl(O_NONBLOCK)", errno, at: path.text)
        }
        try resumeListening()
    }

    private func resumeListening() throws(LifecycleError) {
        guard let listener, listenerToken == nil else { return }
        listenerToken = try register(listener.rawValue) { [self] in accept() }
    }

    private func pauseListening() {
        guard let listener, let token = listenerToken.take() else { return }
        loop.deregister(token, listener.rawValue)
    }

    private func register(_ descriptor: CInt, _ body: @escaping () -> Void) throws(LifecycleError) -> EpollLoop.Token {
        do throws(DatagramError) {
            return try loop.register(descriptor, events: UInt32(VOLLEY_READABLE), handler: Handler(body))
        } catch {
            throw LifecycleError(systemCall: "epoll_ctl", error.errno.rawValue, at: path.text)
        }
    }

    private func accept() {
        guard let listener else { return }
        let number = volley_accept(listener.rawValue)
        guard number >= 0 else {
            let error = errno
            // Whoever connected is gone again, or another process shares the listener and was faster.
            if error == EAGAIN || error == EINTR || error == ECONNABORTED { return }
            // Most likely no descriptor is free; asking again at once would spin.
            pauseListening()
            loop.callLater(.seconds(1)) { [self] in try? resumeListening() }
            return report(.failure(LifecycleError(systemCall: "accept", error, at: path.text)))
        }
        // One at a time; the others wait in the listener's queue.
        pauseListening()
        let attempt = Attempt(HandoverChannel(OwnedDescriptor(number)))
        self.attempt = attempt
        do throws(LifecycleError) {
            attempt.token = try register(number) { [self] in arrived() }
            limitStep(of: attempt)
        } catch {
            fail(attempt, error)
        }
    }

    // MARK: The steps

    private func limitStep(of attempt: Attempt) {
        attempt.timer?.cancel()
        attempt.timer = loop.callLater(options.stepLimit) { [weak self, weak attempt] in
            guard let self, let attempt else { return }
            fail(attempt, LifecycleError(.timedOut, "process \(attempt.process) took too long to take over"))
        }
    }

    private func arrived() {
        guard let attempt else { return }
        do throws(LifecycleError) {
            let arrival = try attempt.channel.receive()
            if attempt.phase == .greeting { attempt.process = try attempt.channel.authenticate() }
            switch (arrival, attempt.phase) {
            case (.none, _): break
            case (.end, _): fail(attempt, HandoverChannel.peerGone, tellsPeer: false)
            case (.message(.hello, _), .greeting): collect(for: attempt)
            case (.message(.ready, _), .offered): stop(for: attempt)
            case (.message(let message, _), let phase):
                throw LifecycleError(.malformedMessage, "\(message) is out of place while \(phase)")
            }
        } catch {
            fail(attempt, error)
        }
    }

    /// Copies the descriptors, each on the loop where it cannot be closed meanwhile.
    private func collect(for attempt: Attempt) {
        attempt.phase = .collecting
        attempt.copies = Array(repeating: nil, count: sockets.count)
        limitStep(of: attempt)
        answers(of: sockets.count, for: attempt) { [unowned self] in offer(to: attempt) }
        let place = LoopBound((self, attempt))
        for (index, socket) in sockets.enumerated() {
            socket.duplicate { [mailbox = loop.mailbox] copy in
                _ = mailbox.execute { _ in
                    place.value.1.copies[index] = copy
                    place.value.0.answered(place.value.1, .collecting)
                }
            }
        }
    }

    private func offer(to attempt: Attempt) {
        do throws(LifecycleError) {
            var descriptors: [CInt] = []
            for (socket, copy) in zip(sockets, attempt.copies) {
                guard let copy else {
                    throw LifecycleError(.unusableDescriptor, "the socket \"\(socket.name)\" is closed already")
                }
                descriptors.append(copy.rawValue)
            }
            if let listener { descriptors.append(listener.rawValue) }
            try attempt.channel.send(.offer(names: sockets.map(\.name)), descriptors: descriptors)
            attempt.phase = .offered
            attempt.copies = []
            limitStep(of: attempt)
        } catch {
            fail(attempt, error)
        }
    }

    private func stop(for attempt: Attempt) {
        attempt.phase = .stopping
        limitStep(of: attempt)
        answers(of: sockets.count, for: attempt) { [unowned self] in commit(to: attempt) }
        let place = LoopBound((self, attempt))
        for socket in sockets {
            socket.stop { [mailbox = loop.mailbox] in
                _ = mailbox.execute { _ in place.value.0.answered(place.value.1, .stopping) }
            }
        }
    }

    private func commit(to attempt: Attempt) {
        do throws(LifecycleError) {
            try attempt.channel.send(.committed)
        } catch {
            return fail(attempt, error)
        }
        close(attempt)
        listener = nil
        for socket in sockets { socket.close(within: options.flushLimit) }
        report(.success(attempt.process))
    }

    // MARK: Answers of other loops

    private var whenAnswered: (() -> Void)?

    private func answers(of count: Int, for attempt: Attempt, _ body: @escaping () -> Void) {
        attempt.missing = count
        whenAnswered = body
        if count == 0 { whenAnswered.take()?() }
    }

    /// One answer is there; late ones, of an attempt that is over, change nothing.
    private func answered(_ attempt: Attempt, _ phase: Attempt.Phase) {
        guard self.attempt === attempt, attempt.phase == phase else { return }
        attempt.missing -= 1
        if attempt.missing == 0 { whenAnswered.take()?() }
    }

    // MARK: Ends

    /// Gives the attempt up; this process goes on.
    private func fail(_ attempt: Attempt, _ error: LifecycleError, tellsPeer: Bool = true) {
        guard self.attempt === attempt else { return }
        if tellsPeer { try? attempt.channel.send(.refused(reason: error.description)) }
        // After the stops, on each socket's loop.
        if attempt.phase == .stopping { for socket in sockets { socket.resume() } }
        close(attempt)
        do throws(LifecycleError) { try resumeListening() } catch { report(.failure(error)) }
        // Whoever only looks whether somebody is there is no attempt.
        if tellsPeer || attempt.phase != .greeting { report(.failure(error)) }
    }

    private func close(_ attempt: Attempt) {
        attempt.timer?.cancel()
        if let token = attempt.token.take() { loop.deregister(token, attempt.channel.descriptor) }
        whenAnswered = nil
        self.attempt = nil
    }

    /// The process ends: whoever has the sockets already shall have them, and the path with them.
    func end() {
        guard listener != nil else { return }
        if let attempt, attempt.phase == .offered || attempt.phase == .stopping {
            for socket in sockets { socket.stop {} }
            return commit(to: attempt)
        }
        if let attempt { fail(attempt, LifecycleError(.refused, "the process that serves is about to end")) }
        pauseListening()
        listener = nil
        path.remove(file)
    }

    deinit {
        if listener != nil, attempt?.phase != .offered, attempt?.phase != .stopping { path.remove(file) }
    }
}
