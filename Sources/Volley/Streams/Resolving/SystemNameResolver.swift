internal import Glibc
internal import Synchronization
internal import SystemPackage
public import VolleyCore

/// The system's resolver, `getaddrinfo(3)`, on a few threads of its own: it knows `/etc/hosts` and whatever else the
/// system is set up to ask.
///
/// `getaddrinfo` cannot be interrupted: a look-up that is cancelled is answered at once, but keeps its thread until the
/// system gives up. With every thread busy, further look-ups wait for one.
public final class SystemNameResolver: NameResolver {
    /// The resolver everybody uses who asks for no other, with four threads.
    public static let shared = SystemNameResolver(threadsMax: 4)

    private let pool: Pool

    /// A resolver with threads of its own, which are started as they are needed and end with it.
    ///
    /// - Parameter threadsMax: the most look-ups at a time, at least 1.
    public convenience init(threadsMax: Int) {
        self.init(threadsMax: threadsMax) {
            System.resolve($0.host, port: $0.port, family: CInt($0.family?.rawValue ?? 0), isPassive: $0.isPassive)
        }
    }

    init(
        threadsMax: Int, lookUp: @escaping @Sendable (NameQuery) -> Result<[SocketAddress], ResolverFailure>
    ) {
        pool = Pool(threadsMax: max(1, threadsMax)) { query in
            switch lookUp(query) {
            case .success(let addresses) where !addresses.isEmpty: .success(addresses)
            case .success: .failure(StreamError(ResolverFailure(code: EAI_NONAME, errno: 0), query))
            case .failure(let failure): .failure(StreamError(failure, query))
            }
        }
    }

    deinit { pool.close() }

    /// Begins a look-up; an address in digits is answered at once.
    public func resolve(
        _ query: NameQuery, _ completion: @escaping @Sendable (Result<[SocketAddress], StreamError>) -> Void
    ) -> NameLookup {
        if let literal = query.literal {
            completion(.success([literal]))
            return NameLookup()
        }
        let job = Job(query, completion)
        pool.add(job)
        return NameLookup { job.finish(.failure(StreamError(.canceled, operation: .resolve, context: query.host))) }
    }

    /// One look-up; whoever finishes it first, wins.
    private final class Job: Sendable {
        let query: NameQuery
        private let completion: Mutex<(@Sendable (Result<[SocketAddress], StreamError>) -> Void)?>

        init(_ query: NameQuery, _ completion: @escaping @Sendable (Result<[SocketAddress], StreamError>) -> Void) {
            self.query = query
            self.completion = Mutex(completion)
        }

        var isFinished: Bool { completion.withLock { $0 == nil } }

        func finish(_ result: Result<[SocketAddress], StreamError>) {
            completion.withLock { $0.take() }?(result)
        }
    }

    /// The threads and what waits for them.
    private final class Pool: Sendable {
        private struct State {
            var jobs: [Job] = []
            var threads = 0
            var idle = 0
            var isClosed = false
        }
        private let state = Mutex(State())
        private let wakeUp = Semaphore()
        private let threadsMax: Int
        private let lookUp: @Sendable (NameQuery) -> Result<[SocketAddress], StreamError>

        init(threadsMax: Int, _ lookUp: @escaping @Sendable (NameQuery) -> Result<[SocketAddress], StreamError>) {
            self.threadsMax = threadsMax
            self.lookUp = lookUp
        }

        func add(_ job: Job) {
            let isThreadNeeded = state.withLock { state in
                state.jobs.append(job)
                guard state.idle < state.jobs.count, state.threads < threadsMax else { return false }
                state.threads += 1
                return true
            }
            if isThreadNeeded, let failure = System.startThread({ self.work() }) {
                let isStranded = state.withLock { state in
                    state.threads -= 1
                    guard state.threads == 0 else { return false }
                    state.jobs.removeAll { $0 === job }
                    return true
                }
                if isStranded { return job.finish(.failure(StreamError(failure, operation: .resolve))) }
            }
            wakeUp.signal()
        }

        func close() {
            let threads = state.withLock { state in
                state.isClosed = true
                return state.threads
            }
            for _ in 0..<threads { wakeUp.signal() }
        }

        /// What each thread does: one job after the other, until the resolver is gone.
        private func work() {
            while true {
                state.withLock { $0.idle += 1 }
                wakeUp.wait()
                let (job, isOver) = state.withLock { state in
                    state.idle -= 1
                    return (state.jobs.isEmpty ? nil : state.jobs.removeFirst(), state.isClosed)
                }
                if let job, !job.isFinished { job.finish(lookUp(job.query)) }
                if isOver, job == nil { return }
            }
        }
    }
}

extension StreamError {
    /// The error of a look-up, with the name and the C library's own words.
    init(_ failure: ResolverFailure, _ query: NameQuery) {
        let errno: Errno =
            switch failure.code {
            case EAI_NONAME, EAI_NODATA, EAI_ADDRFAMILY: .noSuchFileOrDirectory
            case EAI_AGAIN: .resourceTemporarilyUnavailable
            case EAI_MEMORY: .noMemory
            case EAI_SYSTEM: Errno(rawValue: failure.errno)
            case EAI_FAIL: .ioError
            default: .invalidArgument
            }
        self.init(errno, operation: .resolve, context: "\(query.host ?? "this host"): \(failure.text)")
    }
}
