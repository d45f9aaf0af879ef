"""The seed preset's picture network in Keras 3 on TensorFlow: a rival of tests/bench/pictures. Runs in the environment that
compare_pictures.py makes.

The same layers, start (the defaults: Glorot uniform, biases 0), loss, optimizer and batches of the same size as inkling's, in an order of its
own; trained by `fit`, as Keras is used. Pictures are normalised before the clock runs. Forms: "plain" and "jit" (jit_compile). Commands as
rival_pictures.py says.
"""

import os

os.environ.update({"KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"})  # before the imports

import keras  # noqa: E402
import tensorflow  # noqa: E402

import rival_pictures  # noqa: E402


class Rival:
    def __init__(self, args):
        self.args = args
        self.images, self.labels = rival_pictures.read_pictures(*args.files[:2], args.pictures)
        self.test = rival_pictures.read_pictures(*args.files[2:])
        self.form("plain")

    def form(self, name):
        keras.utils.clear_session()
        keras.utils.set_random_seed(self.args.seed)
        layers, n_classes = keras.layers, int(self.labels.max()) + 1
        self.network = keras.Sequential([
            keras.Input(self.images.shape[1:]),
            layers.Conv2D(32, 3, activation="relu"), layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"), layers.MaxPooling2D(2),
            layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(n_classes, activation="softmax"),
        ])  # fmt: skip
        adam = keras.optimizers.Adam(self.args.rate, epsilon=rival_pictures.ADAM_EPSILON)
        self.network.compile(optimizer=adam, loss="sparse_categorical_crossentropy", jit_compile=name == "jit")
        self.n_epochs = 0
        self.warm_up()

    def fit(self, n):
        return self.network.fit(self.images[:n], self.labels[:n], batch_size=self.args.batch, epochs=1, verbose=0)

    def warm_up(self):
        """Trace and compile for both sizes of batches, then put the start back: no weights, moments or steps are left of it."""
        start = self.network.get_weights()
        self.fit(self.args.batch * 4 + len(self.images) % self.args.batch)
        self.network.set_weights(start)
        for variable in self.network.optimizer.variables:
            if "learning_rate" not in variable.path:
                variable.assign(keras.ops.zeros_like(variable))

    def trial(self, name, n):
        """Of whole calls of fit, whose own cost is spread over n steps."""
        self.form(name)
        n_steps = min(n, len(self.images) // self.args.batch)
        self.fit(n_steps * self.args.batch)
        return rival_pictures.median_seconds(lambda _: self.fit(n_steps * self.args.batch), 3) / n_steps

    def epoch(self):
        """Behind a seed of its own: with the one of the start every call of fit would see the pictures in the same order again."""
        self.n_epochs += 1
        keras.utils.set_random_seed(1000 * self.args.seed + self.n_epochs)
        return self.fit(len(self.images)).history["loss"][0]

    def judge(self):
        given = self.network.predict(self.test[0], batch_size=256, verbose=0).argmax(1)
        return (given == self.test[1]).mean()


def main():
    args = rival_pictures.read_options(__doc__)
    tensorflow.config.threading.set_intra_op_parallelism_threads(args.threads)
    tensorflow.config.threading.set_inter_op_parallelism_threads(args.threads)
    facts = {"version": f"{keras.__version__} on TensorFlow {tensorflow.__version__}", "threads": args.threads}
    rival_pictures.obey(Rival(args), facts)


if __name__ == "__main__":
    main()
