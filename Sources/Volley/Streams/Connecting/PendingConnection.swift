internal import Synchronization
internal import SystemPackage
internal import VolleyCore

/// A connection that is being made.
public final class PendingConnection: Sendable {
    private struct State {
        var isCancelled = false
        var connector: LoopBound<Connector>?
    }
    private let state = Mutex(State())
    private let eventLoop: LiveEventLoop

    init(on eventLoop: LiveEventLoop) { self.eventLoop = eventLoop }

    /// Ends the attempt with `ECANCELED`; without effect once the connection has been made.
    public func cancel() {
        let connector = state.withLock { state in
            state.isCancelled = true
            return state.connector
        }
        if let connector { eventLoop.execute { _ in connector.value.cancel() } }
    }

    /// Begins to connect, on the loop.
    func begin(
        _ target: ConnectTarget, _ options: ConnectOptions, on loop: EpollLoop,
        _ makeProtocol: @escaping @Sendable () -> any BaseStreamProtocol, _ answer: Answer<StreamConnection>
    ) {
        let connector = Connector(on: loop, options) { [self] result in
            state.withLock { $0.connector = nil }
            switch result {
            case .failure(let error): answer.give(.failure(error))
            case .success(let box):
                guard let socket = box.take() else { return }
                let transport = loop.open(socket, options.stream, makeProtocol)
                answer.give(.success(StreamConnection(transport, on: eventLoop)))
            }
        }
        let bound = LoopBound(connector)
        let isCancelled = state.withLock { state in
            state.connector = bound
            return state.isCancelled
        }
        connector.start(target)
        if isCancelled { connector.cancel() }
    }
}
