import Glibc

/// SIGTERM and SIGINT, held back from every thread and taken by whoever calls `wait`.
struct StopSignals {
    private var signals = sigset_t()

    /// Blocks both signals on the calling thread, and so on all threads it starts from now on.
    init() {
        sigemptyset(&self.signals)
        sigaddset(&self.signals, SIGTERM)
        sigaddset(&self.signals, SIGINT)
        pthread_sigmask(SIG_BLOCK, &self.signals, nil)
    }

    /// Returns when one of the signals came, or after `seconds`.
    func wait(seconds: Double?) {
        var signals = self.signals
        guard let seconds else {
            var number: Int32 = 0
            sigwait(&signals, &number)
            return
        }
        let whole = seconds.rounded(.down)
        var patience = timespec(tv_sec: Int(whole), tv_nsec: Int((seconds - whole) * 1e9))
        while sigtimedwait(&signals, nil, &patience) == -1, errno == EINTR {}
    }
}
