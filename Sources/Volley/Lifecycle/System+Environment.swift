internal import Glibc

/// The environment, which no lock protects: read and changed at start, before there are threads.
extension System {
    static func environmentVariable(_ name: String) -> String? {
        // SAFETY: the value is copied before anything else can change the environment, as the callers promise.
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }

    static func unsetEnvironmentVariable(_ name: String) {
        // SAFETY: as above; the call only reads the name.
        _ = unsafe unsetenv(name)
    }
}
