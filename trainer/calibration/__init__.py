"""From distance maps of good parts to a score and a threshold, without one defect."""
