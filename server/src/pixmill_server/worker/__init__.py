"""The worker: claims Runs, prepares their environments, has them placed by an executor, and watches over them."""
